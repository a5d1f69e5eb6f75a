// What every operation means in the page, on arrays of float64.
// An array is {shape, data}, data a Float64Array in C order; whole numbers are kept in it too.

const count = (shape) => shape.reduce((product, size) => product * size, 1);
const make = (shape, data) => ({ shape, data });
const zeros = (shape) => make(shape, new Float64Array(count(shape)));

const same = (a, b) => a.length === b.length && a.every((size, axis) => size === b[axis]);

/** How far the next element along each axis lies, in C order. */
function stridesOf(shape) {
  const strides = [];
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/** Where the elements of a shape lie, in C order, with a stride for each axis. */
function positions(shape, strides, offset = 0) {
  let found = Int32Array.of(offset);
  shape.forEach((size, axis) => {
    const next = new Int32Array(found.length * size);
    let n = 0;
    for (const start of found) {
      for (let k = 0; k < size; k++) next[n++] = start + k * strides[axis];
    }
    found = next;
  });
  return found;
}

const taken = (x, shape, where) => make(shape, Float64Array.from(where, (p) => x.data[p]));

/** The shape that shapes broadcast to, by NumPy's rules. */
function joint(...shapes) {
  const axes = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: axes }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - axes + shape.length] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

/** Strides with which an array is seen in a wider shape: 0 along what is repeated. */
function wideStrides(given, shape) {
  const own = stridesOf(given);
  const extra = shape.length - given.length;
  return shape.map((_, axis) => (axis < extra || given[axis - extra] === 1 ? 0 : own[axis - extra]));
}

function broadcast(x, shape) {
  if (same(x.shape, shape)) return x;
  if (x.data.length === 1) return make(shape, new Float64Array(count(shape)).fill(x.data[0]));
  return taken(x, shape, positions(shape, wideStrides(x.shape, shape)));
}

const unary = (f) => (x, attributes) => make(x.shape, x.data.map((value) => f(value, attributes)));

const binary = (f) => (x, y) => {
  const shape = joint(x.shape, y.shape);
  const a = broadcast(x, shape).data;
  const b = broadcast(y, shape).data;
  const result = new Float64Array(a.length);
  for (let n = 0; n < result.length; n++) result[n] = f(a[n], b[n]);
  return make(shape, result);
};

/** A function of one lane at a time, along an axis; a lane becomes a lane, or one number. */
function along(x, axis, f, keeps = true) {
  const size = x.shape[axis];
  const inner = count(x.shape.slice(axis + 1));
  const shape = keeps ? x.shape : x.shape.filter((_, other) => other !== axis);
  const result = zeros(shape);
  const lane = new Float64Array(size);
  for (let n = 0; n < count(shape) / (keeps ? size || 1 : 1); n++) {
    const start = Math.floor(n / inner) * size * inner + (n % inner);
    for (let k = 0; k < size; k++) lane[k] = x.data[start + k * inner];
    const found = f(lane);
    if (!keeps) result.data[n] = found;
    else for (let k = 0; k < size; k++) result.data[start + k * inner] = found[k];
  }
  return result;
}

/** All elements along some axes put together by f, one after the other. */
function reduced(f, start) {
  return (x, { axis, keepdims }) => {
    const kept = x.shape.map((size, n) => (axis.includes(n) ? 1 : size));
    const result = make(
      keepdims ? kept : x.shape.filter((_, n) => !axis.includes(n)),
      new Float64Array(count(kept)).fill(start),
    );
    const where = positions(x.shape, wideStrides(kept, x.shape));
    x.data.forEach((value, n) => {
      result.data[where[n]] = f(result.data[where[n]], value);
    });
    return result;
  };
}

const largestOf = (lane) => lane.reduce((a, b) => Math.max(a, b), -Infinity);
const sumOf = (lane) => lane.reduce((a, b) => a + b, 0);

function softmaxOf(lane) {
  const top = largestOf(lane);
  const powers = lane.map((value) => Math.exp(value - top));
  const total = sumOf(powers);
  return powers.map((value) => value / total);
}

function logSoftmaxOf(lane) {
  const top = largestOf(lane);
  const scale = Math.log(sumOf(lane.map((value) => Math.exp(value - top))));
  return lane.map((value) => value - top - scale);
}

/** Two sigmoids' worth of care: from e^-|x|, which overflows nowhere. */
function sigmoidOf(x) {
  const small = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : small) / (1 + small);
}

/** The error function: its series of positive terms, which needs no table. */
function erfOf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > Math.abs(total) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/** x ** y as NumPy has it where JavaScript says NaN. */
function powerOf(x, y) {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;
}

function matmul(a, b) {
  const [rows, inner] = a.shape.slice(-2);
  const columns = b.shape.at(-1);
  const lead = joint(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const starts = [a, b].map((x) => positions(lead, wideStrides(x.shape.slice(0, -2), lead)));
  const result = zeros([...lead, rows, columns]);
  for (let n = 0; n < starts[0].length; n++) {
    const left = starts[0][n] * rows * inner;
    const right = starts[1][n] * inner * columns;
    for (let i = 0; i < rows; i++) {
      const out = (n * rows + i) * columns;
      for (let k = 0; k < inner; k++) {
        const factor = a.data[left + i * inner + k];
        const from = right + k * columns;
        for (let j = 0; j < columns; j++) result.data[out + j] += factor * b.data[from + j];
      }
    }
  }
  return result;
}

/** An axis cut to [start, stop), or set into zeros at `start`. */
function part(x, axis, start, stop) {
  const strides = stridesOf(x.shape);
  const shape = x.shape.map((size, n) => (n === axis ? stop - start : size));
  return taken(x, shape, positions(shape, strides, start * (strides[axis] ?? 0)));
}

function put(result, x, axis, start) {
  const strides = stridesOf(result.shape);
  positions(x.shape, strides, start * strides[axis]).forEach((to, n) => {
    result.data[to] = x.data[n];
  });
  return result;
}

function checkPositions(name, indices, length) {
  const wrong = indices.data.find((index) => !(index >= 0 && index < length));
  if (wrong !== undefined) {
    throw new Error(`${name}: positions must be from 0 to below ${length}, got ${wrong}.`);
  }
}

/** For each coordinate the four pixels around it, as functions of the channel; by nearness. */
function* corners(pictures, coordinates, height, width) {
  const [rows, , down, across] = coordinates.shape;
  const near = (at, size) => {
    const inside = Math.min(Number.isNaN(at) ? -1 : Math.max(at, -1), size);
    const pixel = Math.min(Math.floor(inside + 1), size);
    return [pixel - 1, inside - (pixel - 1)];
  };
  const points = down * across;
  for (let row = 0; row < rows; row++) {
    for (let point = 0; point < points; point++) {
      const [y, v] = near(coordinates.data[2 * row * points + point], height);
      const [x, w] = near(coordinates.data[(2 * row + 1) * points + point], width);
      const around = [[0, 0], [0, 1], [1, 0], [1, 1]].map(([i, j]) => {
        const inside = y + i >= 0 && y + i < height && x + j >= 0 && x + j < width;
        return inside ? (row * height + y + i) * width + x + j : -1;
      });
      yield { point: row * points + point, around, v, w };
    }
  }
}

function sampleBilinear(x, coordinates) {
  const [height, width] = x.shape.slice(1, 3);
  const channels = count(x.shape.slice(3));
  const result = zeros([...coordinates.shape.slice(0, 1), ...coordinates.shape.slice(2), ...x.shape.slice(3)]);
  for (const { point, around, v, w } of corners(x, coordinates, height, width)) {
    for (let channel = 0; channel < channels; channel++) {
      const [a, b, c, d] = around.map((p) => (p < 0 ? 0 : x.data[p * channels + channel]));
      const above = a + w * (b - a);
      result.data[point * channels + channel] = above + v * (c + w * (d - c) - above);
    }
  }
  return result;
}

function spreadBilinear(g, coordinates, { height, width }) {
  const channels = count(g.shape.slice(3));
  const result = zeros([g.shape[0], height, width, ...g.shape.slice(3)]);
  for (const { point, around, v, w } of corners(g, coordinates, height, width)) {
    for (let channel = 0; channel < channels; channel++) {
      const value = g.data[point * channels + channel];
      const parts = [(1 - v) * (1 - w), (1 - v) * w, v * (1 - w), v * w];
      around.forEach((p, n) => {
        if (p >= 0) result.data[p * channels + channel] += value * parts[n];
      });
    }
  }
  return result;
}

const last = (x) => x.shape.length - 1;

const operations = {
  add: binary((x, y) => x + y),
  subtract: binary((x, y) => x - y),
  multiply: binary((x, y) => x * y),
  divide: binary((x, y) => x / y),
  negative: unary((x) => -x),
  power: binary(powerOf),
  exp: unary(Math.exp),
  expm1: unary(Math.expm1),
  log: unary(Math.log),
  log1p: unary(Math.log1p),
  sqrt: unary(Math.sqrt),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  erf: unary(erfOf),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  greater: binary((x, y) => (x > y ? 1 : 0)),
  equal: binary((x, y) => (x === y ? 1 : 0)),
  masked: binary((x, mask) => (mask !== 0 ? x : 0)),
  stop_gradient: (x) => x,
  flush: unary((x, { threshold }) => x * (Math.abs(x) >= threshold ? 1 : 0)),
  cast: unary((x, { dtype }) => (/int/.test(dtype) ? Math.trunc(x) : x)),
  tanh: unary(Math.tanh),
  sigmoid: unary(sigmoidOf),
  relu: unary((x) => Math.max(x, 0)),
  leaky_relu: unary((x, { negative_slope }) => (x > 0 ? x : x * negative_slope)),
  elu: unary((x, { alpha }) => (x > 0 ? x : alpha * Math.expm1(Math.min(x, 0)))),
  softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  softmax: (x, { axis }) => along(x, axis, softmaxOf),
  log_softmax: (x, { axis }) => along(x, axis, logSoftmaxOf),
  squared_error: binary((x, y) => (x - y) * (x - y)),
  absolute_error: binary((x, y) => Math.abs(x - y)),
  sigmoid_cross_entropy: binary(
    (z, t) => Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z))),
  ),
  softmax_cross_entropy(logits, targets) {
    const shares = along(logits, last(logits), logSoftmaxOf);
    const terms = operations.multiply(targets, operations.negative(shares));
    return along(terms, last(terms), sumOf, false);
  },
  softmax_cross_entropy_slope(logits, targets, slope) {
    const shares = along(logits, last(logits), softmaxOf);
    const column = (x) => make([...x.shape, 1], x.data);
    const total = column(along(targets, last(targets), sumOf, false));
    const apart = operations.subtract(operations.multiply(shares, total), targets);
    return operations.multiply(column(slope), apart);
  },
  matmul,
  sum: reduced((a, b) => a + b, 0),
  max: reduced(Math.max, -Infinity),
  min: reduced(Math.min, Infinity),
  argmax: (x) => along(x, last(x), (lane) => lane.indexOf(largestOf(lane)), false),
  broadcast_to: (x, { shape }) => broadcast(x, shape),
  count: ({ shape }) => make([], Float64Array.of(count(shape))),
  reshape(x, { shape }) {
    const known = count(shape.filter((size) => size !== -1));
    return make(shape.map((size) => (size === -1 ? x.data.length / known : size)), x.data);
  },
  transpose(x, { axes }) {
    const strides = stridesOf(x.shape);
    const shape = axes.map((axis) => x.shape[axis]);
    return taken(x, shape, positions(shape, axes.map((axis) => strides[axis])));
  },
  flip(x, { axis }) {
    const strides = stridesOf(x.shape);
    const start = Math.max(x.shape[axis] - 1, 0) * strides[axis];
    strides[axis] *= -1;
    return taken(x, x.shape, positions(x.shape, strides, start));
  },
  gather(table, indices) {
    checkPositions("gather", indices, table.shape[0]);
    const width = count(table.shape.slice(1));
    const result = zeros([...indices.shape, ...table.shape.slice(1)]);
    indices.data.forEach((index, n) => {
      result.data.set(table.data.subarray(index * width, (index + 1) * width), n * width);
    });
    return result;
  },
  scatter_add(g, indices, { length, axes }) {
    checkPositions("scatter_add", indices, length);
    const result = zeros([length, ...g.shape.slice(axes)]);
    const width = count(g.shape.slice(axes));
    indices.data.forEach((index, n) => {
      for (let k = 0; k < width; k++) result.data[index * width + k] += g.data[n * width + k];
    });
    return result;
  },
  one_hot(labels, { depth }) {
    const result = zeros([...labels.shape, depth]);
    labels.data.forEach((label, n) => {
      if (label >= 0 && label < depth && Number.isInteger(label)) result.data[n * depth + label] = 1;
    });
    return result;
  },
  concatenate(...given) {
    const { axis } = given.pop();
    const total = given.reduce((sum, x) => sum + x.shape[axis], 0);
    const result = zeros(given[0].shape.map((size, n) => (n === axis ? total : size)));
    let start = 0;
    for (const x of given) {
      put(result, x, axis, start);
      start += x.shape[axis];
    }
    return result;
  },
  narrow: (x, { axis, start, stop }) => part(x, axis, start, stop),
  widen: (x, { axis, start, length }) =>
    put(zeros(x.shape.map((size, n) => (n === axis ? length : size))), x, axis, start),
  sample_bilinear: sampleBilinear,
  spread_bilinear: spreadBilinear,
};
