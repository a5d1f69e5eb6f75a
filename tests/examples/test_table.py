"""Examples by name, and how they print."""

import base64
import inspect
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tests.pages import Page

from chainrule import examples
from chainrule.errors import InputTypeError, MissingNameError, SettingError
from chainrule.examples import Example, Quantity


def test_every_example_has_a_name():
    functions = {
        name.replace("_", "-")
        for name in examples.__all__
        if inspect.isfunction(getattr(examples, name))
        and name not in ("find", "names", "read_spec", "spec_of", "spec_text")
    }
    assert set(examples.names()) == functions
    assert {"mazur", "han", "xyz", "one-one-one", "xor"} <= functions


@pytest.mark.parametrize("name", examples.names())
def test_an_example_is_found_by_name_in_any_spelling(name):
    found = examples.find(name)
    assert found.__name__ == name.replace("-", "_")
    assert examples.find(name.replace("-", "_").upper()) is found


@pytest.mark.parametrize(
    "name, remedy", [("masur", "did you mean 'mazur'"), ("q", "known: 'xyz', 'one-one-one'")]
)
def test_an_unknown_name_gets_the_nearest_or_the_list(name, remedy):
    with pytest.raises(SettingError, match=f"examples: '{name}' is not known; {remedy}"):
        examples.find(name)


def test_what_is_no_name_gets_a_sentence():
    with pytest.raises(InputTypeError, match="a name is text such as 'mazur', got int"):
        examples.find(3)


def shown(value, digits=3):
    return Example("T", "S.", (Quantity("n", value, "h"),), digits).to_text().splitlines()[-1]


@pytest.mark.parametrize(
    "value, text",
    [
        (0.12345, "0.123"),
        (-0.12345, "-0.123"),
        (3.0, "3"),
        (-0.0, "0"),
        (3.51e-5, "3.510e-05"),
        (-123456.5, "-1.235e+05"),
        (12345, "12,345"),
        ("2-4-1", "2-4-1"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ((0.5, -0.25), " 0.500  -0.250"),
    ],
)
def test_numbers_print_as_in_books(value, text):
    assert shown(value) == f"n  {text}  h"


def test_columns_are_aligned():
    rows = (Quantity("a", 1.5, "x"), Quantity("long", (-10.25, 2.0), "y"), Quantity("b", 3))
    lines = Example("T", "S.", rows, 2).to_text().splitlines()
    assert lines == [
        "T",
        "S.",
        "",
        "a       1.50          x",
        "long  -10.25       2  y",
        "b          3",
    ]


def test_digits_may_be_chosen():
    example = examples.chain()
    assert "0.5" in example.to_text(digits=1)
    assert "0.53391" in example.to_text(5)
    assert "0.533912" not in example.to_text(5)
    for digits in (-1, 1.5, "3"):
        with pytest.raises(SettingError, match="to_text: digits must be"):
            example.to_text(digits)


def test_a_name_that_is_not_in_the_table_gets_the_nearest():
    with pytest.raises(MissingNameError, match="'df/dw' is not in its table; did you mean 'df/d"):
        examples.xyz()["df/dw"]


def test_what_an_example_lacks_is_said():
    with pytest.raises(SettingError, match="it has no model"):
        examples.xyz().model
    with pytest.raises(SettingError, match="it has no picture"):
        replace(examples.xyz(), picture=None).plot()


def test_an_example_is_shown_as_its_text():
    example = examples.han()
    assert str(example) == repr(example) == example.to_text(5)


def test_a_notebook_shows_its_table_and_its_picture_once():
    example = examples.han()
    before = pyplot.get_fignums()
    page = Page(example._repr_html_())
    assert pyplot.get_fignums() == before  # a notebook would show what is left once more
    assert page.texts[:2] == [example.title, example.text]
    assert page.rows[0] == ["net inputs 4, 5, 6", "-0.70000\u20020.10000\u2002-0.10454", "x W + b"]
    assert len(page.rows) == len(example.quantities)
    [image] = page.attributes("img")
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawing = base64.b64decode(data).decode()
    assert drawing.count("<svg ") == 1
    assert "Err" in drawing


def test_what_an_example_says_is_no_markup():
    rows = (Quantity("<b>", "1 < 2 & 3", "<script>"),)
    page = Page(Example('<i>"title"', "a < b", rows)._repr_html_())
    assert page.texts == ['<i>"title"', "a < b", "<b>", "1 < 2 & 3", "<script>"]
    assert not page.attributes("img")
    plain = replace(examples.chain(), title='<i>"title"', text="", quantities=())
    [image] = Page(plain._repr_html_()).attributes("img")
    assert image["alt"] == 'Picture: <i>"title"'


QUICK = {
    "xor": {"seeds": [0]}, "xnor": {"seeds": [0]}, "circles": {"epochs": 5},
    "universal-approximation": {"units": [3]}, "symmetric-zeros": {"steps": 20},
    "vanishing": {"widths": [5], "seeds": [0]},
}  # fmt: skip


@pytest.mark.parametrize("name", examples.names())
def test_every_example_has_a_picture_that_is_drawn_on_given_axes(name):
    example = examples.find(name)(**QUICK.get(name, {}))
    figure = Figure((6.4, 4.2), layout="constrained")
    given = figure.add_subplot()
    assert example.plot(given) is given
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()
    assert given.get_title()
    assert given.lines or given.patches or given.collections
    FigureCanvasAgg(figure).draw()


def heights(ax):
    """The bars of each kind, by what the legend calls it."""
    return {one.get_label(): [bar.get_height() for bar in one] for one in ax.containers}


def test_the_picture_of_softmax_has_the_shares():
    bars = heights(examples.softmax_examples([(5.0, 6.0, 4.0), (0.0, 0.0)]).plot())
    powers = np.exp([5.0, 6.0, 4.0])
    shares = [[bars[f"score {one}"][0] for one in (1, 2, 3)], [bars["score 1"][1]]]
    np.testing.assert_allclose(shares[0], powers / powers.sum())
    assert shares[1] == [0.5]
    assert np.isnan(bars["score 3"][1])


def test_the_picture_of_linear_layers_has_both_outputs():
    example = examples.linear_collapse()
    bars = heights(example.plot())
    by_hand = example.arrays["X"] @ example.arrays["kernel"] + example.arrays["bias"]
    np.testing.assert_allclose(bars["chain of layers"], by_hand[:8, 0], rtol=1e-12)
    np.testing.assert_allclose(bars["one layer"], by_hand[:8, 0], rtol=1e-12)


def test_the_picture_of_rows_and_matrices_ends_at_the_gradient():
    example = examples.matrix_form()
    *sums, result = example.plot().get_lines()[:5]
    model, X, y = example.model, example.arrays["X"], example.arrays["y"]
    _, flat = model.trainer.gradient(X, y)
    gradient = model.trainer.parameters.view(flat, "dense_2/kernel")[:, 0]
    np.testing.assert_allclose([line.get_ydata()[-1] for line in sums], gradient, atol=1e-12)
    np.testing.assert_allclose(result.get_ydata(), gradient, atol=1e-12)
    assert set(result.get_xdata()) == {8}


def test_the_picture_of_logistic_regression_has_both_coefficients():
    example = examples.logistic_regression()
    bars = heights(example.plot())
    assert bars["the network"] == example.arrays["coefficients"].tolist()
    assert bars["scikit-learn"] == example.arrays["theirs"].tolist()
