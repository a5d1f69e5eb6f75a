"""Whole training steps in the page's engine, against those of Python."""

import json

import numpy as np
import pytest
from tests.tracing.engine import Scripts

import chainrule as cr
from chainrule import ops
from chainrule.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GroupNormalization,
    Input,
    LayerNormalization,
    LeakyReLU,
    PReLU,
)
from chainrule.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from chainrule.tracing.page.network import shipped_step

WALK = (
    "operations.js", "tape.js", "words.js", "step.js", "choice.js", "network.js",
    "outputs.js", "spread.js",
    "mixing.js",
)  # fmt: skip
NUMBERS = ("x", "z", "a", "slope", "upstream", "delta", "upstream_reported", "reported")


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*WALK)


def model_of(*layers, loss="squared_error", optimizer="sgd", inputs=(3,), dtype="float64"):
    model = cr.Sequential([Input(inputs), *layers], seed=5, dtype=dtype)
    model.compile(optimizer, loss)
    return model


def data(rows, outputs, inputs=(3,), kind="numbers"):
    rng = np.random.default_rng([rows, outputs])
    X = rng.normal(size=(rows, *inputs))
    if kind == "labels":
        return X, rng.integers(0, outputs, rows)
    if kind == "classes":
        return X, np.eye(outputs)[rng.integers(0, outputs, rows)]
    if kind == "bits":
        return X, rng.integers(0, 2, (rows, outputs)).astype(float)
    return X, rng.normal(size=(rows, outputs))


HIDDEN = [
    "linear", "sigmoid", "hard_sigmoid", "tanh", "smht", "softsign", "relu", "relu6", "leaky_relu",
    "elu", "selu", "gelu", "silu", "mish", "softplus", "exponential", "softmax", "log_softmax",
]  # fmt: skip
NETWORKS = {
    **{f"activation {name}": (model_of(Dense(4, name), Dense(2)), data(3, 2)) for name in HIDDEN},
    "sigmoid and cross-entropy": (
        model_of(Dense(4, "tanh"), Dense(2, "sigmoid"), loss="binary_crossentropy"),
        data(4, 2, kind="bits"),
    ),
    "softmax and cross-entropy": (
        model_of(Dense(4, "relu"), Dense(3, "softmax"), loss="categorical_crossentropy"),
        data(4, 3, kind="classes"),
    ),
    "softmax and labels": (
        model_of(Dense(3, "softmax"), loss="sparse_categorical_crossentropy", optimizer=Adam()),
        data(4, 3, kind="labels"),
    ),
    "clipped predictions": (
        model_of(Dense(2, "hard_sigmoid"), loss="binary_crossentropy"), data(3, 2, kind="bits"),
    ),
    **{
        f"loss {name}": (model_of(Dense(3, "tanh"), Dense(2, "softplus"), loss=name), data(4, 2))
        for name in ("mse", "mae", "huber", "quantile")
    },
    "loss poisson": (
        model_of(Dense(2, "softplus"), loss="poisson"), data(4, 2, kind="bits"),
    ),
    **{
        f"optimizer {rule}": (model_of(Dense(3, "tanh"), Dense(1), optimizer=rule), data(4, 1))
        for rule in (
            SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9, nesterov=True), RMSprop(), Adagrad(),
            RMSprop(centered=True, momentum=0.5), Adam(amsgrad=True), AdamW(), Nadam(),
            SGD(0.1, clipnorm=0.01), SGD(0.1, clipvalue=0.02), SGD(0.1, global_clipnorm=0.01),
            SGD(cr.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
        )
    },
    "dropout": (model_of(Dense(8, "relu"), Dropout(0.4), Dense(1)), data(4, 1)),
    "noise": (model_of(GaussianNoise(0.3), Dense(2)), data(4, 2)),
    "batch normalization": (
        model_of(Dense(4), BatchNormalization(), Activation("relu"), Dense(1)), data(4, 1),
    ),
    "layer normalization": (model_of(Dense(4), LayerNormalization(), Dense(1)), data(3, 1)),
    "group normalization": (model_of(Dense(4), GroupNormalization(2), Dense(1)), data(3, 1)),
    "slopes": (model_of(Dense(4), PReLU(), Dense(3), LeakyReLU(), Dense(1)), data(3, 1)),
    "flatten": (model_of(Flatten(), Dense(2), inputs=(2, 2)), data(3, 2, (2, 2))),
    "penalties": (
        model_of(Dense(3, "tanh", kernel_regularizer="l1_l2", activity_regularizer="l2"), Dense(1)),
        data(3, 1),
    ),
    "a constraint": (
        model_of(Dense(3, "tanh", kernel_constraint=cr.layers.MaxNorm(0.5)), Dense(1)), data(3, 1),
    ),
    "held fixed": (
        model_of(Dense(3, "tanh", trainable=False), Dense(2, bias_trainable=False)), data(3, 2),
    ),
    "no biases": (model_of(Dense(3, use_bias=False), Dense(1, use_bias=False)), data(3, 1)),
    "sums over rows": (
        model_of(Dense(2), loss=cr.losses.MeanSquaredError(reduction="sum")), data(3, 2),
    ),
}  # fmt: skip


def told(scripts, trace, edits=(), steps=0):
    """What the page computes: by name, numbers as the trace has them."""
    code = """(() => {
      const training = new Training(shipped);
      for (const [what, value] of edits) training.set(what, value);
      for (let n = 0; n < steps; n++) training.makeStep();
      const plain = (x) => (x === undefined ? null : x.data);
      return {
        loss: training.loss, after: training.lossAfter, rows: training.rowLosses,
        penalties: training.penalties,
        layers: training.shipped.layers.map(({ results }) =>
          names.map((name) => plain(training.of(results[name])))),
        gradients: training.shipped.segments.map((_, n) => plain(training.gradient(n))),
        moved: training.after.parameters, slots: training.after.slots,
      };
    })()"""
    shipped = json.loads(json.dumps(shipped_step(trace), allow_nan=False))
    return scripts(code, shipped=shipped, edits=list(edits), steps=steps, names=NUMBERS)


def near(found, expected, rtol=1e-9):
    values = np.array(list(map(float, found)))
    np.testing.assert_allclose(values, np.ravel(expected), rtol=rtol, atol=1e-12)


def agrees(found, trace):
    near([found["loss"], found["after"]], [trace.loss, trace.loss_after])
    near(found["rows"], trace.row_losses)
    assert [name for name, _ in found["penalties"]] == list(trace.penalties)
    near([value for _, value in found["penalties"]], list(trace.penalties.values()))
    for layer, shown in zip(trace.layers, found["layers"], strict=True):
        for name, values in zip(NUMBERS, shown, strict=True):
            expected = getattr(layer.numbers, name)
            assert (values is None) == (expected is None), (layer.name, name)
            if expected is not None:
                near(values, expected)
    held = trace.trainer.parameters
    by_name = {
        f"{layer.name}/{name}": one for layer in trace.layers
        for name, one in layer.parameters.items()
    }  # fmt: skip
    for segment, gradient in zip(held.segments, found["gradients"], strict=True):
        one = by_name[segment.name]
        assert (gradient is None) == (one.gradient is None)
        if gradient is not None:
            near(gradient, one.gradient)
            for slot, array in zip(one.slots_after.values(), found["slots"], strict=True):
                near(array[segment.start : segment.stop], slot)
        near(found["moved"][segment.start : segment.stop], one.after)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_page_computes_what_python_computed(scripts, name):
    model, (X, y) = NETWORKS[name]
    trace = model.trace(X, y)
    agrees(told(scripts, trace), trace)


@pytest.mark.parametrize("name", ["activation tanh", "softmax and labels", "batch normalization",
                                  "dropout", "penalties"])  # fmt: skip
def test_a_changed_weight_and_input_change_everything(scripts, name):
    model, (X, y) = NETWORKS[name]
    trace = model.trace(X, y)
    held = trace.trainer.parameters
    kernel = next(one for one in held.segments if one.name == "dense/kernel")
    edits = [[{"place": kernel.start + 4}, 0.75], [{"source": "input/input", "place": 4}, -1.25]]
    found = told(scripts, trace, edits)
    before = [one.copy() for one in model.get_weights()]
    try:
        weights = [one.copy() for one in before]
        weights[0].flat[4] = 0.75
        model.set_weights(weights)
        moved = X.copy()
        moved.flat[4] = -1.25
        expected = model.trace(moved, y)
    finally:
        model.set_weights(before)
    assert abs(expected.loss - trace.loss) > 1e-6
    agrees(found, expected)


@pytest.mark.parametrize("name", ["activation tanh", "softmax and labels", "batch normalization",
                                  "optimizer " + str(AdamW())])  # fmt: skip
def test_steps_made_in_the_page_are_those_of_training(scripts, name):
    model, (X, y) = NETWORKS[name]
    trace = model.trace(X, y, steps=6)
    agrees(told(scripts, trace, steps=5), trace.steps[5])


def test_a_weighted_batch_computes_the_same(scripts):
    model, (X, y) = NETWORKS["softmax and cross-entropy"]
    trace = model.trace(X, y, np.array([0.5, 2.0, 1.0, 0.0]))
    agrees(told(scripts, trace), trace)


def test_codes_are_looked_up(scripts):
    model = cr.Sequential([Input((2,)), Embedding(5, 3), Flatten(), Dense(1)],
                          seed=0, dtype="float64")  # fmt: skip
    model.compile("sgd", "mse")
    trace = model.trace(np.array([[0, 3], [4, 4]]), np.array([[1.0], [0.0]]))
    agrees(told(scripts, trace), trace)


def test_a_network_of_a_table_has_names_and_what_its_last_layer_ends_in(scripts):
    from chainrule.estimators import TabularClassifier
    from chainrule.tracing import trace_steps

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    estimator = TabularClassifier(random_state=0, epochs=2).fit(X, (X[:, 0] > 0).astype(int))
    trainer = estimator.model_.members[0]
    rows = {one.name: rng.normal(size=(3, *one.shape)) for one in trainer.network.inputs}
    names = {one.name: [f"{one.name} {n}" for n in range(*one.shape)]
             for one in trainer.network.inputs}  # fmt: skip
    trace = trace_steps(trainer, trainer.data(rows, np.array([0, 1, 1])), inputs=names)
    inputs = scripts(
        "new Network(new Training(shipped)).columns[0].names", shipped=shipped_step(trace)
    )
    assert inputs == sum(names.values(), []) and len(names) > 1
    assert shipped_step(trace)["layers"][-1]["activation"] == "softmax"
    found = told(scripts, trace)
    near([found["loss"], found["after"]], [trace.loss, trace.loss_after], rtol=1e-4)


def test_float32_agrees_as_far_as_float32_goes(scripts):
    model = model_of(Dense(4, "tanh"), Dense(2), dtype="float32", optimizer="adam")
    trace = model.trace(*data(3, 2))
    found = told(scripts, trace)
    near([found["loss"], found["after"]], [trace.loss, trace.loss_after], rtol=1e-5)


def test_the_parts_of_a_stable_pair_are_those_of_the_trace(scripts):
    for name in ("sigmoid and cross-entropy", "softmax and cross-entropy"):
        model, (X, y) = NETWORKS[name]
        trace = model.trace(X, y)
        parts = trace.parts(trace.layers[-1])
        found = scripts(
            """(() => { const training = new Training(shipped);
              return Object.keys(shipped.pair.results)
                .map((name) => [name, training.pair(name).data]); })()""",
            shipped=shipped_step(trace),
        )
        found = dict(found)
        near(found["p/0"], parts.p)
        near(found["by_p/0"], parts.by_p)
        near(found["delta/0"], parts.delta)
        if parts.link == "sigmoid":
            near(found["by_logit/0"], parts.by_logit)
        else:
            for k in range(parts.by_logit.shape[-2]):
                near(found[f"by_logit/{k}"], parts.by_logit[..., k, :])


def test_the_measured_slope_is_the_gradient(scripts):
    model, (X, y) = NETWORKS["activation gelu"]
    trace = model.trace(X, y)
    measured = scripts(
        "(() => new Training(shipped).measured(5)[0])()", shipped=shipped_step(trace)
    )
    assert measured == pytest.approx(trace.layers[0].kernel.gradient.flat[5], rel=1e-8)


@cr.operation
def own_square(x):
    return x * x


@own_square.gradient
def _(g, y, x):
    return g * 2.0 * x


def test_an_operation_that_the_page_does_not_know_shows_numbers_and_says_why(scripts):
    model = model_of(Dense(3, lambda x: own_square(x)), Dense(1), optimizer=Adam())
    trace = model.trace(*data(2, 1))
    shipped = shipped_step(trace)
    assert "tape" not in shipped
    assert shipped["why"] == (
        "Numbers cannot be changed here, because the page does not know the operation "
        "'own_square'; change them in Python and trace again."
    )
    agrees(told(scripts, trace), trace)


@pytest.mark.parametrize(
    "how",
    [
        {}, {"notation": "columns"}, {"notation": "theta"}, {"weights": "w{n}"}, {"first_layer": 1},
        {"weights": "w{from}{to}", "biases": "b{to}"}, {"weights": "{layer}-{i}-{j}"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("written", ["by Python", "by the page"])
def test_weights_have_the_names_of_the_trace(scripts, how, written):
    model = model_of(Dense(3, "tanh"), Dropout(0.1), Dense(2))
    trace = model.trace(*data(2, 2), **how)
    shipped = shipped_step(trace)
    if written == "by the page":
        shipped["names"]["weights"] = None
    found = scripts(
        """(() => { const network = new Network(new Training(shipped));
          return network.weighted.map(({ column, c }) => [
            network.columns[c - 1].names.map((_, i) =>
              column.names.map((_, j) => network.rawName(c, j, i))),
            column.names.map((_, j) => network.rawName(c, j, "bias"))]); })()""",
        shipped=shipped,
    )
    names = trace.names
    expected = [
        [[[names.weight(place, i, j) for j in range(units)] for i in range(sources)],
         [names.bias(place, j) for j in range(units)]]
        for place, (sources, units) in enumerate([(3, 3), (3, 2)])
    ]  # fmt: skip
    assert found == expected


def test_units_that_matter_most_are_drawn_of_a_wide_layer(scripts):
    model = model_of(Dense(30, "relu"), Dense(20, "tanh"), Dense(1), inputs=(40,))
    trace = model.trace(*data(2, 1, (40,)))
    found = scripts(
        """(() => { const network = new Network(new Training(shipped));
          network.setRow(1);
          const shown = network.columns.map((column) => column.shown);
          const said = network.bring(1, "h1_30");
          return [shown, said, network.columns[1].shown, network.bring(1, "31")]; })()""",
        shipped=shipped_step(trace),
    )
    layer = trace.layers[1].numbers
    best = np.argsort(-abs(layer.a[1] * layer.upstream[1]), kind="stable")[:8]
    assert found[0][2] == sorted(best)
    x = trace.layers[0].numbers
    by_input = abs(x.x[1]) * (abs(trace.layers[0].kernel.before) @ abs(x.delta[1]))
    assert found[0][0] == sorted(np.argsort(-by_input, kind="stable")[:8])
    assert found[1] == "" and 29 in found[2]
    assert found[3] == "There is no unit 31: give a name, or a number from 1 to 30."


def test_expressions_have_values_and_derivatives_of_the_trace(scripts):
    from chainrule.tracing.page.expression import shipped_expression

    w = cr.variable([[0.5, -1.0], [2.0, 0.25]], "w")
    x = cr.variable([[1.0, 2.0]], "x")
    b = cr.variable(0.3, "b")
    y = ((x @ w + b) ** 2.0).sum() + ops.norm(w) * ops.sigmoid(b)
    code = """(() => {
      const given = Object.entries(shipped.given).map(([index, x]) => [Number(index), unpacked(x)]);
      const run = new Run(new Tape(shipped.tape), given);
      for (const [index, place, value] of edits) run.values.get(index).data[place] = value;
      const plain = (index) => (index === null ? null : run.of(index).data);
      return shipped.nodes.map((node) => [plain(node.value), plain(node.derivative),
        node.edges.map((edge) => [plain(edge.product), plain(edge.local)])]); })()"""
    for edit in (None, 0.9):
        trace = cr.trace(y)
        shipped = json.loads(json.dumps(shipped_expression(trace), allow_nan=False))
        edits = []
        if edit is not None:
            edits = [[next(n["value"] for n in shipped["nodes"] if n["name"] == "b"), 0, edit]]
            b = cr.variable(edit, "b")
            trace = cr.trace(((x @ w + b) ** 2.0).sum() + ops.norm(w) * ops.sigmoid(b))
        for step, (value, slope, edges) in zip(
            trace.steps, scripts(code, shipped=shipped, edits=edits), strict=True
        ):
            near(value, step.value)
            assert (slope is None) == (step.derivative is None)
            if slope is not None:
                near(slope, step.derivative)
            products = [product for product, _ in edges]
            locals_ = [local for _, local in edges]
            for place, local in enumerate(locals_):
                if local is not None and products[place] is not None:
                    near(local, step.local[place])
        sums = {}
        for step, (_, _, edges) in zip(
            trace.steps, scripts(code, shipped=shipped, edits=edits), strict=True
        ):
            for name, (product, _) in zip(step.operands, edges, strict=True):
                if product is not None:
                    sums[name] = sums.get(name, 0) + np.array(list(map(float, product)))
        for name, total in sums.items():
            near(total, trace[name].derivative)


def test_weights_of_a_large_network_are_called_as_text_calls_them():
    model = cr.Sequential([Input((60,)), Dense(50), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    trace = model.trace(np.ones((1, 60)), [[1.0]], weights="w{{x}}{n}_{from}")
    names = Scripts(*WALK)(
        "(() => { const n = new Network(new Training(shipped)); "
        "return [n.rawName(1, 0, 0), n.rawName(1, 49, 59), n.rawName(2, 0, 3)]; })()",
        shipped=shipped_step(trace),
    )
    expected = [trace.names.weight(*where) for where in ((0, 0, 0), (0, 59, 49), (1, 3, 0))]
    assert names == expected == ["w{x}1_x1", "w{x}3000_x60", "w{x}3004_h4"]


@pytest.mark.parametrize("kink, slopes", [
    (0.5, [2.0, 2.0, 2.0]), (3e-4, [2.0, 2.0, 2.0]), (2e-5, [2.0, 2.0, 2.0]),
    (0.0, [2.5, 2.0, 3.0]),
])  # fmt: skip
def test_a_slope_is_measured_over_no_kink_but_that_at_the_point_itself(scripts, kink, slopes):
    code = "settledSlope((offset) => 2 * offset + Math.max(0, offset - kink), 1).slice(0, 3)"
    assert scripts(code, kink=kink) == pytest.approx(slopes, rel=1e-9)
