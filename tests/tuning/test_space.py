"""What may be searched, and the sentences where it may not."""

import itertools

import numpy as np
import pytest

from chainrule.errors import SettingError
from chainrule.tuning import Choice, Range, Space, space_of


def refusal(given):
    with pytest.raises(SettingError) as caught:
        space_of(given)
    return str(caught.value)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"learning_rat": [1e-3]}, "there is no setting 'learning_rat'; did you mean 'learning_"),
        ({"seed": [1, 2]}, "'seed' is no setting to search"),
        ({"members": [1, 2]}, "members: each trial trains one network"),
        ({"dropout": []}, "dropout: there is no value in the list"),
        ({"dropout": (0.5, 0.1)}, "dropout: the range from 0.5 to 0.1 is empty"),
        ({"dropout": (0.1, 0.1)}, "the range from 0.1 to 0.1 is empty"),
        ({"dropout": (0.0, 1.0)}, "dropout: must be a number of 0 or more and below 1, got 1.0"),
        ({"learning_rate": (0.0, 1.0)}, "learning_rate: must be a number above 0, got 0.0"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, "a log range begins above 0"),
        ({"learning_rate": {"low": 0.1, "hihg": 1}}, "a range has no 'hihg'; did you mean 'high'"),
        ({"learning_rate": {"low": 0.1}}, "learning_rate: a range needs low and high"),
        ({"learning_rate": 0.1}, "must be a list of values or a range of low and high, got 0.1"),
        ({"learning_rate": ("a", "b")}, "low and high must be numbers, got 'a' and 'b'"),
        ({"learning_rate": ["fast"]}, "learning_rate: must be a number above 0, got 'fast'"),
        ({"batch_size": (1.5, 20.0)}, "batch_size: is a whole number, so low and high are too"),
        ({"batch_size": [32, 32]}, "a value is listed twice"),
        ({"batch_size": [None]}, "None is no value to search"),
        ({"units": [0]}, "units: must be a whole number of 1 or more, got 0"),
        ({"hidden": [[64], [0]]}, "hidden: must be whole numbers of 1 or more"),
        ({"hidden": Range(1, 3)}, "hidden: is no number, so it has no range"),
        ({"hidden": [[64]], "units": [8, 9]}, "hidden says layers and units already"),
        ({"dropout": Range(0.1, 0.5, zero=True)}, "zero = true is for log ranges"),
        ({"dropout": Range(0.1, 0.5, steps=1)}, "steps must be a whole number of 2 or more"),
        ({}, "space: must be a dict of settings"),
        ([1], "space: must be a dict of settings"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(given, said):
    sentence = refusal(given)
    assert said in sentence
    assert sentence.startswith("space: ")
    assert "\n" not in sentence


def test_a_space_is_the_same_in_every_spelling():
    ours = space_of({"learning_rate": Range(1e-4, 1e-2, log=True), "units": [8, 16]})
    toml = space_of(
        {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "units": Choice((8, 16))}
    )
    assert ours == toml == space_of(ours.to_record())
    backwards = space_of(dict(reversed(list(ours.to_record().items()))))
    assert list(backwards.dimensions) == list(ours.dimensions)
    assert space_of(ours) is ours


def test_places_cover_a_dimension_evenly():
    shares = (np.arange(10_000) + 0.5) / 10_000
    space = space_of(
        {
            "learning_rate": Range(1e-4, 1e-1, log=True),
            "dropout": (0.0, 0.5),
            "layers": (1, 4),
            "batch_size": [16, 64],
            "weight_decay": Range(1e-3, 1.0, log=True, zero=True),
        }
    )
    places = [space.at(dict.fromkeys(space.dimensions, share)) for share in shares.tolist()]
    found = {name: np.array([place[name] for place in places]) for name in space.dimensions}
    assert np.mean(found["learning_rate"] < 1e-3) == pytest.approx(1 / 3, abs=1e-3)
    assert np.mean(found["dropout"] < 0.1) == pytest.approx(0.2, abs=1e-3)
    assert np.unique(found["layers"], return_counts=True)[1].tolist() == [2500] * 4
    assert np.mean(found["batch_size"] == 16) == 0.5
    decays = [space.settings(place, (8,))["weight_decay"] for place in places]
    assert np.mean(np.array(decays) == 0) == pytest.approx(0.2, abs=1e-3)
    assert min(one for one in decays if one) >= 1e-3


def test_layers_and_units_together_are_hidden():
    space = space_of({"layers": [1, 2], "units": [8, 16]})
    assert space.settings({"layers": 2, "units": 16}, (5,)) == {"hidden": (16, 16)}
    assert space_of({"layers": [3, 4]}).settings({"layers": 3}, (5, 4)) == {"hidden": (5,) * 3}
    assert space_of({"units": [3, 4]}).settings({"units": 3}, (5, 4)) == {"hidden": (3, 3)}
    listed = space_of({"hidden": [[64], [32, 16]]})
    (place, other) = listed.grid()
    assert listed.settings(other, ()) == {"hidden": (32, 16)}
    assert listed.settings(place, ()) == {"hidden": (64,)}


def test_a_grid_has_every_place_once():
    space = space_of(
        {
            "learning_rate": Range(1e-4, 1e-2, log=True, steps=3),
            "dropout": Range(0.0, 0.5, steps=2),
            "layers": (1, 3),
            "units": Range(8, 32, log=True, steps=3),
            "weight_decay": Range(0.01, 1.0, log=True, zero=True, steps=2),
        }
    )
    names = ("layers", "units", "dropout", "learning_rate", "weight_decay")
    wanted = itertools.product(
        (1, 2, 3), (8, 16, 32), (0.0, 0.5), (1e-4, 1e-3, 1e-2), (0.0, 0.01, 1.0)
    )
    assert space.grid() == [dict(zip(names, place, strict=True)) for place in wanted]


@pytest.mark.parametrize("name", ["learning_rate", "units"])
def test_an_endless_range_has_no_grid(name):
    space = space_of({name: Range(1, 900) if name == "units" else Range(1e-4, 1e-2)})
    with pytest.raises(SettingError, match=f"space: {name}: a grid needs some of the numbers"):
        space.grid()


def test_a_space_is_plain_data():
    space = Space({"units": Range(8, 64, log=True), "hidden": Choice(((8,), (16, 8)))})
    assert space.to_record() == {
        "units": {"low": 8, "high": 64, "log": True},
        "hidden": [[8], [16, 8]],
    }


def test_weight_decay_is_left_out_where_the_optimizer_takes_none():
    space = space_of({"optimizer": ["adamw", "adam"], "weight_decay": [0.1, 0.2]})
    found = [space.settings(place, ()) for place in space.grid()]
    assert found == [
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"optimizer": "adamw", "weight_decay": 0.2},
        {"optimizer": "adam"},
        {"optimizer": "adam"},
    ]
