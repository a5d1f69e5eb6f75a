"""Every setting is an option, and every value that it cannot have is refused in a sentence."""

import argparse
from dataclasses import asdict

import pytest

from chainrule.cli.parser import OneTarget, Parser, UsageError, add_settings, given_settings
from chainrule.errors import SettingError
from chainrule.estimators import SETTINGS, TableSettings

GOOD = {
    "integer": ("3", 3),
    "number": ("0.25", 0.25),
    "word": ("some text", "some text"),
    "words": ("a column", ["a column"]),
    "integers": ("16,8", (16, 8)),
}
NO_SUCH = {"integer": "3.5", "number": "much", "integers": "16;8", "choice": "frob"}


@pytest.fixture
def parser():
    parser = Parser("chainrule train", "train")
    add_settings(parser, SETTINGS, asdict(TableSettings()))
    return parser


def option(name):
    return SETTINGS[name].option or "--" + name.replace("_", "-")


def beyond():
    """For each bounded setting a number on each wrong side."""
    for name, setting in SETTINGS.items():
        if setting.kind in ("integer", "number", "integers"):
            if setting.lowest is not None:
                yield name, setting.lowest - 1
            if setting.highest is not None:
                yield name, setting.highest + 1
            if setting.below is not None:
                yield name, setting.below


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_read_from_its_option(parser, name):
    setting = SETTINGS[name]
    text, value = GOOD.get(setting.kind) or (setting.choices[-1], setting.choices[-1])
    options = parser.parse([option(name), text])
    assert given_settings(options) == {name: value}
    TableSettings.from_record({name: value})


def test_nothing_given_is_nothing_set(parser):
    assert given_settings(parser.parse([])) == {}


@pytest.mark.parametrize("name", [n for n, s in SETTINGS.items() if s.kind in NO_SUCH])
def test_text_of_the_wrong_kind_is_refused(parser, name):
    wrong = NO_SUCH[SETTINGS[name].kind]
    with pytest.raises(UsageError) as caught:
        parser.parse([option(name), wrong])
    assert option(name) in str(caught.value)
    assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize("name, value", list(beyond()))
def test_numbers_out_of_bounds_are_refused(parser, name, value):
    settings = given_settings(parser.parse([f"{option(name)}={value}"]))
    with pytest.raises(SettingError, match=f"^{name}: must be .* got "):
        TableSettings.from_record(settings)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_are_refused(parser, value):
    settings = given_settings(parser.parse([f"--learning-rate={value}"]))
    with pytest.raises(SettingError, match="learning_rate"):
        TableSettings.from_record(settings)


def test_a_column_may_be_ignored_several_times(parser):
    options = parser.parse(["--ignore", "a", "--ignore", "b c"])
    assert given_settings(options) == {"ignore": ["a", "b c"]}


def test_help_tells_what_each_setting_is_for_and_its_default(parser):
    text = " ".join(parser.format_help().split())
    for name, setting in SETTINGS.items():
        assert option(name) in text
        assert " ".join(setting.help.split()) in text
    assert f"(default {TableSettings().epochs})" in text


def test_abbreviations_are_not_taken(parser):
    with pytest.raises(UsageError, match="did you mean '--dropout'"):
        parser.parse(["--dropou", "0.5"])


def test_a_suppressed_default_leaves_the_namespace_empty(parser):
    assert parser.parse([]) == argparse.Namespace()


def test_a_target_is_given_once():
    parser = Parser("chainrule train", "train")
    parser.add_argument("--target", action=OneTarget)
    assert parser.parse(["--target", "a b"]).target == "a b"
    with pytest.raises(UsageError, match="--target is given twice, 'a' and 'b'; a run predicts"):
        parser.parse(["--target", "a", "--target", "b"])
