"""Every setting says what it may be, in one sentence."""

import inspect
from dataclasses import fields

import pytest

from chainrule.errors import SettingError
from chainrule.estimators import SETTINGS, TableSettings

WRONG = {
    "choice": ["nonsense", 3],
    "word": [3],
    "words": [(3,), "text"],
    "integers": [(0,), (1.5,), "256"],
    "integer": [0.5, -1, True, "1"],
    "number": [-0.1, float("nan"), "x", True],
}


def test_table_and_record_have_the_same_names():
    assert list(SETTINGS) == [field.name for field in fields(TableSettings)]
    assert list(inspect.signature(TableSettings).parameters) == list(SETTINGS)


@pytest.mark.parametrize(
    "name, value", [(name, v) for name, setting in SETTINGS.items() for v in WRONG[setting.kind]]
)
def test_a_wrong_value_gives_the_sentence(name, value):
    with pytest.raises(SettingError, match=f"^{name}: must be .*, got .*\\.$"):
        TableSettings(**{name: value})


@pytest.mark.parametrize(
    "name, value",
    [("dropout", 1.5), ("dropout", 1.0), ("members", 65), ("learning_rate", 0), ("time_limit", 0)],
)
def test_a_value_at_or_beyond_a_bound_is_refused(name, value):
    with pytest.raises(SettingError, match=name):
        TableSettings(**{name: value})


def test_settings_come_back_from_their_record():
    settings = TableSettings(hidden=(64, 32), ignore=("a", "b"), seed=7, time_limit=1.5)
    assert TableSettings.from_record(settings.to_record()) == settings


def test_an_unknown_setting_is_named_with_the_nearest():
    with pytest.raises(SettingError, match="'epoch' is not known; did you mean 'epochs'"):
        TableSettings.from_record({"epoch": 3})
