// Matrix products, alone or with a run of element-wise operations on each part of the result while
// it is in cache.
#include <algorithm>

#include "run.h"

namespace chainrule {
namespace {

// Multiply-adds below which a second thread costs more than it does.
constexpr Index kWorthSplitting = 50'000;
// Columns of a chunk are a multiple of this, the width of the kernel's tile.
constexpr Index kTile = 16;
// Columns or rows of a chunk, where there are enough.
constexpr Index kChunk = 64;

template <typename T>
class ProductStep : public Step {
public:
    ProductStep(Binding& binding, const Array& a, const Array& b, const Array& c,
                std::unique_ptr<Run<T>> epilogue)
        : kernels_(typed<T>(binding.kernels)),
          a_(a.place),
          b_(b.place),
          c_(c.place),
          epilogue_(std::move(epilogue)) {
        const std::size_t axes = c.shape.size();
        product_.rows = c.shape[axes - 2];
        product_.columns = c.shape[axes - 1];
        product_.depth = a.shape.back();
        product_.a_row = a.strides[a.strides.size() - 2];
        product_.a_column = a.strides.back();
        product_.b_row = b.strides[b.strides.size() - 2];
        product_.b_column = b.strides.back();
        product_.c_row = product_.columns;
        place_batches(a, b, c);
        binding.need_scratch(kernels_.matmul_scratch(product_) * static_cast<Index>(sizeof(T)));
        binding.work += static_cast<double>(product_.rows) * static_cast<double>(product_.columns) *
                        static_cast<double>(product_.depth) *
                        static_cast<double>(offsets_.size() * sizeof(T) / sizeof(float));
        choose_chunks();
    }

    void run(const Frame& frame) const override {
        if (product_.rows == 0 || product_.columns == 0) {
            return;
        }
        for (const Offsets& offsets : offsets_) {
            Product<T> product = product_;
            product.a = frame.at<T>(a_) + offsets.a;
            product.b = frame.at<T>(b_) + offsets.b;
            product.c = frame.at<T>(c_) + offsets.c;
            split_up(frame, product);
        }
    }

private:
    struct Offsets {
        Index a, b, c;
    };

    // Leading axes, broadcast: one product for each entry.
    void place_batches(const Array& a, const Array& b, const Array& c) {
        const std::size_t leading = c.shape.size() - 2;
        Shape batch_a(c.shape.begin(), c.shape.end());
        Shape batch_b(c.shape.begin(), c.shape.end());
        batch_a[leading] = a.shape[a.shape.size() - 2];
        batch_a[leading + 1] = a.shape.back();
        batch_b[leading] = b.shape[b.shape.size() - 2];
        batch_b[leading + 1] = b.shape.back();
        const Array wide_a = broadcast(a, batch_a);
        const Array wide_b = broadcast(b, batch_b);
        Index count = 1;
        for (std::size_t axis = 0; axis < leading; ++axis) {
            count *= c.shape[axis];
        }
        for (Index index = 0; index < count; ++index) {
            Offsets offsets{0, 0, 0};
            Index left = index;
            for (std::size_t axis = leading; axis-- > 0;) {
                const Index position = left % c.shape[axis];
                left /= c.shape[axis];
                offsets.a += position * wide_a.strides[axis];
                offsets.b += position * wide_b.strides[axis];
                offsets.c += position * c.strides[axis];
            }
            offsets_.push_back(offsets);
        }
    }

    // The longer side is cut, since all threads read the other operand. Where an operand is
    // transposed, as on the way back, columns if there are enough: sums and products that read the
    // result are cut so too. Rows where what follows the product takes whole rows only.
    void choose_chunks() {
        const bool whole_rows = epilogue_ != nullptr && !epilogue_->is_compiled();
        const bool wide = (product_.a_column != 1 && product_.columns >= 2 * kChunk) ||
                          (product_.b_column != 1 && product_.columns >= 4 * kChunk);
        by_columns_ = !whole_rows && (wide || product_.columns > product_.rows);
        const Index size = by_columns_ ? product_.columns : product_.rows;
        const Index enough = size >= 2 * kChunk ? size / kChunk : std::min<Index>(2, size / kTile);
        const Index work = product_.rows * product_.columns * product_.depth;
        most_chunks_ = std::max<Index>(1, std::min(enough, work / kWorthSplitting));
    }

    static Index border(Index size, Index chunk, Index chunks) {
        return chunk == chunks ? size : size * chunk / chunks / kTile * kTile;
    }

    void chunk(const Frame& frame, const Product<T>& product, Index number, Index chunks,
               int worker) const {
        Index rows[2] = {0, product.rows};
        Index columns[2] = {0, product.columns};
        for (Index side = 0; side < 2 && chunks > 1; ++side) {
            Index& limit = (by_columns_ ? columns : rows)[side];
            limit = border(by_columns_ ? product.columns : product.rows, number + side, chunks);
        }
        kernels_.matmul(product, rows[0], rows[1], columns[0], columns[1],
                        frame.scratch_of<T>(worker));
        if (epilogue_ != nullptr) {
            epilogue_->rectangle(frame, worker, rows[0], rows[1], product.columns, columns[0],
                                 columns[1]);
        }
    }

    void split_up(const Frame& frame, const Product<T>& product) const {
        // two for each thread: the second one evens out what the first ones took
        const Index chunks = std::min<Index>(most_chunks_, 2 * frame.team.size());
        if (frame.team.size() == 1 || chunks == 1) {
            chunk(frame, product, 0, 1, 0);
            return;
        }
        struct Shared {
            const ProductStep& step;
            const Frame& frame;
            const Product<T>& product;
            Index chunks;
        } shared{*this, frame, product, chunks};
        frame.team.for_each(
            chunks,
            [](void* context, Index number, int worker) {
                const Shared& given = *static_cast<Shared*>(context);
                given.step.chunk(given.frame, given.product, number, given.chunks, worker);
            },
            &shared);
    }

    const Typed<T>& kernels_;
    Place a_, b_, c_;
    std::unique_ptr<Run<T>> epilogue_;
    Product<T> product_{};
    std::vector<Offsets> offsets_;
    bool by_columns_ = true;
    Index most_chunks_ = 1;
};

void check_product(const Array& a, const Array& b, const Array& c) {
    const std::size_t axes = c.shape.size();
    if (a.shape.size() < 2 || b.shape.size() < 2 || axes < 2 || a.type != c.type ||
        b.type != c.type || a.shape.back() != b.shape[b.shape.size() - 2] ||
        c.shape[axes - 2] != a.shape[a.shape.size() - 2] || c.shape.back() != b.shape.back() ||
        !c.contiguous()) {
        throw Refused("matmul: its operands do not fit together.");
    }
}

template <typename T>
void add_product(Binding& binding, const Array& a, const Array& b, const Array& c,
                 std::unique_ptr<Run<T>> epilogue) {
    binding.add(std::make_unique<ProductStep<T>>(binding, a, b, c, std::move(epilogue)));
}

Array as_type(Binding& binding, const Array& x, Type type) {
    return x.type == type ? x : bind_contiguous(binding, x, type);
}

// A product's result lies where the run's last result does: the run writes over it block by block.
template <typename T>
void bind_joined(Binding& binding, const Instruction& fused, const Array& a, const Array& b) {
    const Instruction& product = fused.parts.front();
    const std::vector<Instruction> rest(fused.parts.begin() + 1, fused.parts.end());
    const int made = product.results[0];
    const bool kept =
        std::find(fused.results.begin(), fused.results.end(), made) != fused.results.end();
    const int last = rest.back().results[0];
    Array c = binding.arrays[static_cast<std::size_t>(kept ? made : last)];
    if (c.shape != binding.arrays[static_cast<std::size_t>(last)].shape) {
        throw Refused("fused: a product in it has another shape.");
    }
    check_product(a, b, c);
    auto epilogue = std::make_unique<Run<T>>(binding, rest, fused.results, made, &c);
    add_product<T>(binding, a, b, c, std::move(epilogue));
}

}  // namespace

void bind_matmul(Binding& binding, const Bound& bound) {
    bound.need_operands(2);
    const Type type = bound.result.type;
    const Array a = as_type(binding, bound.operands[0], type);
    const Array b = as_type(binding, bound.operands[1], type);
    check_product(a, b, bound.result);
    if (type == Type::float32) {
        add_product<float>(binding, a, b, bound.result, nullptr);
    } else if (type == Type::float64) {
        add_product<double>(binding, a, b, bound.result, nullptr);
    } else {
        bound.refuse("its operands have no fractions");
    }
}

void bind_product_run(Binding& binding, const Instruction& fused) {
    const Instruction& product = fused.parts.front();
    const Array& made = binding.arrays[static_cast<std::size_t>(fused.parts.back().results[0])];
    if (fused.parts.size() < 2 || product.operands.size() != 2 || made.shape.size() != 2) {
        throw Refused("fused: a product in it is not of two matrices.");
    }
    const auto operand = [&](int side) {
        return as_type(
            binding,
            binding
                .arrays[static_cast<std::size_t>(product.operands[static_cast<std::size_t>(side)])],
            made.type);
    };
    const Array a = operand(0);
    const Array b = operand(1);
    if (made.type == Type::float32) {
        bind_joined<float>(binding, fused, a, b);
    } else if (made.type == Type::float64) {
        bind_joined<double>(binding, fused, a, b);
    } else {
        throw Refused("fused: a product in it has no fractions.");
    }
}

}  // namespace chainrule
