"""Examples by name, and how they print."""

import inspect

import pytest

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
        examples.xyz().plot()


def test_an_example_is_shown_as_its_text():
    example = examples.han()
    assert str(example) == repr(example) == example.to_text(5)
