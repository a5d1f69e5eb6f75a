"""The picture of a graph: numbers of boxes and arrows, and a layout that can be read."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from tests.drawing.diagrams import boxes, check_nothing_collides, lines, settled

import chainrule as cr
from chainrule.drawing.folding import folded
from chainrule.drawing.layout import layered, separated
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import input_node


def xyz():
    x, y, z = (cr.variable(value, name) for value, name in ((-2, "x"), (5, "y"), (-4, "z")))
    q = x + y
    f = q * z
    return f, {"q": q, "f": f}


def one_one_one(y=1.0):
    w1, b1, w2, b2 = (
        cr.variable(value, name)
        for value, name in ((0.5, "w1"), (0.1, "b1"), (-0.8, "w2"), (0.2, "b2"))
    )
    a = cr.ops.sigmoid(w1 * 1.5 + b1)
    p = cr.ops.sigmoid(w2 * a + b2)
    loss = -y * cr.ops.log(p) - (1 - y) * cr.ops.log(1 - p)
    return loss, {"a": a, "p": p, "J": loss}


def softmax_of_a_product():
    rows = cr.constant([[1.0, 2.0], [0.5, -1.0]])
    kernel = cr.variable([[0.1, 0.2, 0.3], [-0.4, 0.5, 0.6]], "W")
    z = rows @ kernel + cr.variable([0.1, 0.0, -0.1], "b")
    loss = cr.losses.CategoricalCrossentropy(from_logits=True)(np.eye(3)[[0, 2]], z)
    return loss, {"z": z, "J": loss}


def chain(steps):
    node = weight = cr.variable(0.9, "w")
    for _ in range(steps):
        node = cr.ops.tanh(node) * weight
    return node, {}


def many_inputs():
    """Arrows that would cross each other if boxes stood in the order in which they were made."""
    leaves = [cr.variable(float(value), f"x{value}") for value in range(6)]
    pairs = [leaves[one] * leaves[other] for one, other in ((0, 5), (1, 4), (2, 3), (0, 3))]
    return (pairs[0] + pairs[1]) * (pairs[2] + pairs[3]), {}


GRAPHS = {
    "xyz": xyz, "one-one-one": one_one_one, "softmax": softmax_of_a_product,
    "chain": lambda: chain(3), "too large": lambda: chain(60), "pairs": many_inputs,
}  # fmt: skip


@pytest.mark.parametrize("size", [None, (3.3, 4.5), (6.4, 3.2)])
@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_stands_over_another_or_outside(name, size):
    y, names = GRAPHS[name]()
    ax = None if size is None else Figure(size, layout="constrained").add_subplot()
    check_nothing_collides(cr.drawing.plot_graph(y, ax, names=names))


def test_every_node_has_its_value_and_derivative():
    y, names = xyz()
    assert lines(cr.drawing.plot_graph(y, names=names)) == {
        "x": ["−2", "∂ −4"], "y": ["5", "∂ −4"], "z": ["−4", "∂ 3"],
        "q: add": ["3", "∂ −4"], "f: multiply": ["−12", "∂ 1"],
    }  # fmt: skip


def test_local_derivatives_stand_on_arrows():
    y, names = one_one_one()
    ax = cr.drawing.plot_graph(y, names=names, digits=6)
    in_boxes = [text for _, (name, *rest) in boxes(ax) for text in [name, *rest]]
    on_arrows = [one.get_text() for one in ax.texts]
    for text in in_boxes:
        on_arrows.remove(text)
    hidden = 1 / (1 + math.exp(-0.85))
    p = 1 / (1 + math.exp(-(-0.8 * hidden + 0.2)))
    by_hand = [
        1.5, 1, 1, hidden * (1 - hidden), hidden, -0.8, 1, 1, p * (1 - p), 1 / p, -1, 1 / (1 - p),
        -1, 0, 1, -1,
    ]  # fmt: skip
    shown = sorted(float(one.replace("−", "-")) for one in on_arrows)
    np.testing.assert_allclose(shown, sorted(by_hand), rtol=1e-5)
    assert lines(ax)["w1"][1] == f"∂ {(p - 1) * -0.8 * hidden * (1 - hidden) * 1.5:.6g}"


def test_an_arrow_of_one_used_twice_has_the_sum_of_both():
    x = cr.variable(3.0, "x")
    ax = cr.drawing.plot_graph(x * x)
    assert sum(isinstance(one, PathPatch) for one in ax.patches) == 1
    assert "6" in [one.get_text() for one in ax.texts]
    assert lines(ax) == {"x": ["3", "∂ 6"], "multiply": ["9", "∂ 1"]}


def test_small_arrays_show_their_numbers_and_large_ones_shape_and_norm():
    small, large = cr.variable([[1.0, 2.0], [3.0, 4.0]], "A"), cr.variable(np.ones(9), "b")
    ax = cr.drawing.plot_graph((small * small).sum() + 2 * large.sum())
    assert lines(ax)["A"] == ["1  2", "3  4", "∂ 2  4", "6  8"]
    assert lines(ax)["b"] == ["(9,)", "norm 3", "∂ (9,)", "norm 6"]


def test_shared_nodes_are_drawn_once_and_constants_have_no_derivative():
    y, names = one_one_one()
    found = [text for _, text in boxes(cr.drawing.plot_graph(y, names=names))]
    assert sum(text[0] == "p: sigmoid" for text in found) == 1
    constants = [text for text in found if text[0] == "constant"]
    assert sorted(constants) == [["constant", one] for one in ("0", "1", "1.5", "−1")]


def test_of_a_large_graph_the_nearest_nodes_are_drawn_and_the_title_says_so():
    y, _ = chain(60)
    ax = cr.drawing.plot_graph(y, Figure((8.0, 40.0)).add_subplot())
    found = [text[0] for _, text in boxes(ax)]
    assert len(found) == 41
    assert "81 more" in found
    assert ax.get_title().endswith("(the 40 nodes of 121 nearest to it)")
    # the last forty, and with them the weight that all use
    assert (found.count("multiply"), found.count("tanh"), found.count("w")) == (20, 19, 1)


def test_fewer_are_drawn_where_the_axes_are_small():
    y, _ = chain(60)
    ax = cr.drawing.plot_graph(y, Figure((3.0, 4.0)).add_subplot())
    assert len(boxes(ax)) == 6
    assert ax.get_title().endswith("(the 5 nodes of 121 nearest to it)")
    sizes = [text.get_fontsize() for text in ax.texts if text.get_text() == "tanh"]
    assert min(sizes) > 4


def test_text_grows_with_the_figure():
    y, _ = xyz()
    ax = cr.drawing.plot_graph(y)
    before = boxes(ax)[0][0].height, ax.texts[0].get_fontsize()
    ax.figure.set_size_inches(2 * ax.figure.get_size_inches())
    after = boxes(ax)[0][0].height, ax.texts[0].get_fontsize()
    assert after[0] > 1.5 * before[0]
    assert after[1] / before[1] == pytest.approx(after[0] / before[0], rel=1e-3)


def test_a_saved_picture_has_legible_text(tmp_path):
    import matplotlib

    y, names = one_one_one()
    ax = cr.drawing.plot_graph(y, names=names)
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        ax.figure.savefig(tmp_path / "graph.svg")
    text = (tmp_path / "graph.svg").read_text("utf-8")
    assert "a: sigmoid" in text
    assert min(one.get_fontsize() for one in ax.texts) > 5


@pytest.mark.parametrize(
    "error, arguments, sentence",
    [
        (InputTypeError, (3.0,), "plot_graph: needs a node, .* got float; .* chainrule.variable"),
        (InputTypeError, (input_node("x", (), "float64"),), "is symbolic and has no value"),
        (ShapeError, (cr.variable([1.0, 2.0]),), r"needs a scalar, got shape \(2,\); take .sum"),
        (InputTypeError, (xyz()[0], "axes"), "needs axes of matplotlib, got str"),
    ],
)
def test_what_is_no_scalar_with_a_value_gets_a_sentence(error, arguments, sentence):
    with pytest.raises(error, match=sentence):
        cr.drawing.plot_graph(*arguments)


def test_wrong_settings_get_a_sentence():
    with pytest.raises(InputTypeError, match="names must be a dict of nodes"):
        cr.drawing.plot_graph(xyz()[0], names={"q": 3})
    with pytest.raises(SettingError, match="digits must be a whole number of 1 or more"):
        cr.drawing.plot_graph(xyz()[0], digits=0)


def test_a_leaf_alone_is_one_box():
    assert lines(cr.drawing.plot_graph(cr.variable(2.5, "x"))) == {"x": ["2.5", "∂ 1"]}


def test_columns_are_longest_paths_and_leaves_stand_before_their_first_user():
    users = {"x": ["q"], "y": ["q"], "z": ["f"], "q": ["f"], "f": []}
    found = layered(dict.fromkeys("xyzqf", (10.0, 10.0)), users, 4.0, 20.0)
    across = {box: place[0] for box, place in found.places.items()}
    assert across == {"x": 5.0, "y": 5.0, "z": 35.0, "q": 35.0, "f": 65.0}
    assert found.size[0] == 70.0


def test_boxes_are_ordered_so_that_arrows_do_not_cross():
    users = {"a": ["d"], "b": ["c"], "c": ["e"], "d": ["e"], "e": []}
    places = layered(dict.fromkeys("abcde", (10.0, 10.0)), users, 4.0, 20.0).places
    assert (places["a"][1] > places["b"][1]) == (places["d"][1] > places["c"][1])


def test_a_long_arrow_passes_columns_beside_their_boxes():
    users = {"a": ["b", "d"], "b": ["c"], "c": ["d"], "d": []}
    found = layered(dict.fromkeys("abcd", (10.0, 10.0)), users, 4.0, 20.0)
    passing = found.routes["a", "d"][1:-1]
    assert len(passing) == 4
    for x, y in passing:
        near = min(found.places.values(), key=lambda place: abs(place[0] - x))
        assert abs(near[1] - y) >= 5.0 + 4.0


@pytest.mark.parametrize("weights", [None, [1.0, 0.02, 3.0, 1.0]])
def test_separated_places_are_the_nearest_in_order(weights):
    wanted, distances = np.array([3.0, 1.0, 1.5, 9.0]), [1.0, 2.0, 1.0]
    found = np.array(separated(wanted, distances, weights))
    weights = np.ones(4) if weights is None else np.array(weights)
    assert (np.diff(found) >= np.array(distances) - 1e-12).all()
    random = np.random.default_rng(0)
    for _ in range(200):
        other = np.cumsum([random.normal(0, 3), *(distances + random.exponential(1, 3))])
        assert weights @ (found - wanted) ** 2 <= weights @ (other - wanted) ** 2


def test_the_boxes_of_the_result_and_of_leaves_differ_without_color():
    ax = cr.drawing.plot_graph(xyz()[0])
    drawn = [one for one in ax.patches if isinstance(one, FancyBboxPatch)]
    assert len({(one.get_linewidth(), one.get_facecolor()) for one in drawn}) == 3


def long_chain(length):
    """Boxes b0, b1 ... in a row, each but the first with a leaf of its own."""
    users = {f"b{step}": [f"b{step + 1}"] for step in range(length - 1)} | {f"b{length - 1}": []}
    leaves = {f"leaf{step}": [f"b{step}"] for step in range(1, length)}
    users = leaves | users
    return dict.fromkeys(users, (30.0, 10.0)), users


def test_a_chain_is_straight_and_its_leaves_stand_beside_it():
    sizes, users = long_chain(8)
    places = layered(sizes, users, 4.0, 20.0).places
    assert np.ptp([places[f"b{step}"][1] for step in range(1, 8)]) < 2.0


@pytest.mark.parametrize("bands", [1, 2, 3])
def test_a_folded_graph_has_bands_side_by_side_and_every_arrow(bands):
    sizes, users = long_chain(9)
    found = folded(sizes, users, 4.0, 20.0, bands)
    assert set(found.places) == set(sizes)
    assert set(found.routes) == {(box, user) for box in users for user in users[box]}
    up = [found.places[f"b{step}"][1] for step in range(9)]
    across = [found.places[f"b{step}"][0] for step in range(9)]
    starts = [step for step in range(1, 9) if up[step] > up[step - 1]]
    assert len(starts) == bands - 1
    assert all(across[step] > across[step - 1] + 30 for step in starts)
    flat = folded(sizes, users, 4.0, 20.0, 1)
    assert found.size[1] < 1.5 * flat.size[1] / bands
    for (box, user), route in found.routes.items():
        for end, name in ((route[0], box), (route[-1], user)):  # on the rims of its boxes
            x, y = np.abs(np.array(end) - found.places[name])
            assert max(x / 15.0, y / 5.0) == pytest.approx(1.0)


def test_a_graph_is_folded_only_after_a_box_that_alone_leads_on():
    users = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}
    sizes = dict.fromkeys("abcd", (10.0, 10.0))
    assert folded(sizes, users, 4.0, 20.0, 2) is None
    apart = {"a": ["b"], "b": ["e"], "c": ["d"], "d": ["e"], "e": ["f"], "f": []}
    sizes = dict.fromkeys("abcdef", (10.0, 10.0))
    found = folded(sizes, apart, 4.0, 20.0, 3)  # b and d are beside each other, not in a row
    assert found is None or set(found.places) == set(sizes)


def test_a_small_step_of_training_is_no_tower_and_its_letters_are_not_shrunk():
    ax = cr.drawing.plot_graph(cr.examples.mazur().trace())
    settled(ax)
    width, height = ax.figure.get_size_inches()
    assert 0.6 < width / height < 1.7
    assert min(one.get_fontsize() for one in ax.texts) > 7


def softmax_of_a_vector():
    W = cr.variable([[1.0, 2.0, -1.0], [0.0, 1.0, 0.5]], "W")
    x, b = cr.variable([0.5, -0.2, 0.3], "x"), cr.variable([0.5, 0.1], "b")
    return W @ x, W, x, b


def test_what_only_moves_numbers_is_not_drawn():
    made, _, _, b = softmax_of_a_vector()
    p = cr.ops.softmax(made + b)
    y = (p * p).sum()
    size = Figure((8.0, 6.0), layout="constrained")
    shown = lines(cr.drawing.plot_graph(y, size.add_subplot()))
    assert {*shown} == {"W", "x", "matmul", "b", "add", "softmax", "multiply", "sum"}
    share = 1 / (1 + math.exp(-0.25))  # z = (0.3, 0.05); y = s² + (1 - s)²
    slope = f"{(4 * share - 2) * share * (1 - share):.4g}"
    assert shown["matmul"] == ["−0.2  −0.05", f"∂ {slope}  −{slope}"]
    found = [text[0] for _, text in boxes(cr.drawing.plot_graph(y, names={"z": made}))]
    assert "z: matmul" in found and not any("reshape" in one for one in found)
    assert "z: matmul" in [text[0] for _, text in boxes(cr.drawing.plot_graph(cr.trace(y, {
        "z": made})))]  # fmt: skip


def test_what_has_a_name_is_drawn_though_it_moves_numbers_only():
    x = cr.variable([2.0, 3.0], "x")
    row = x.reshape((1, 2))
    shown = lines(cr.drawing.plot_graph((row * x).sum(), names={"row": row}))
    assert {"x", "row: reshape"} <= {*shown}
    assert "reshape" not in " ".join(lines(cr.drawing.plot_graph((row * x).sum())))


def test_a_local_derivative_passes_through_what_is_not_drawn():
    x, y = cr.variable([2.0], "x"), cr.variable(3.0, "y")
    ax = cr.drawing.plot_graph(x.reshape(()) * y)
    assert lines(ax) == {"x": ["2", "∂ 3"], "y": ["3", "∂ 2"], "multiply": ["6", "∂ 1"]}
    arrows = [text.get_text() for text in ax.texts if text.get_fontstyle() == "italic"]
    assert sorted(arrows) == ["2", "3"]


def test_two_nodes_may_have_one_name():
    one, other = cr.variable(2.0, "w"), cr.variable(3.0, "w")
    found = [text for _, text in boxes(cr.drawing.plot_graph(one * other))]
    assert found[:2] == [["w", "2", "∂ 3"], ["w", "3", "∂ 2"]]


def test_boxes_stand_nearer_to_each_other_where_type_would_be_too_small():
    made, _, _, b = softmax_of_a_vector()
    p = cr.ops.softmax(made + b)
    ax = cr.drawing.plot_graph(
        (p * p).sum(), Figure((3.0, 2.4), layout="constrained").add_subplot()
    )
    settled(ax)
    assert max(text.get_fontsize() for text in ax.texts) > 5.5
