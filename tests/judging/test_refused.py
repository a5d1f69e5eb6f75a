"""What evaluations refuse, and in what words."""

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from tests.judging.tables import QUICK, three

import chainrule
from chainrule import TabularClassifier
from chainrule.errors import ChainruleError, DataError, InputTypeError, SettingError, ShapeError


@pytest.mark.parametrize(
    "settings, error, part",
    [
        ({"threshold": 1.5}, SettingError, "threshold: must be a number from 0 to 1, got 1.5"),
        ({"costs": {"false_positive": 1}}, SettingError, "costs: must be {"),
        ({"costs": {"false_positive": 0, "false_negative": 0}}, SettingError, "not both 0"),
        ({"by": 3}, SettingError, "by: must be a column, columns in a list, or 'all', got 3"),
        ({"by": None}, SettingError, "by: must be a column, columns in a list, or 'all', got None"),
        ({"by": ["all", "left_"]}, SettingError, "by: there is no column 'left_'"),
        ({"seed": "a"}, SettingError, "seed must be a whole number of 0 or more, got 'a'"),
        ({"seed": None}, SettingError, "seed must be a whole number of 0 or more, got None"),
        ({"seed": -1}, SettingError, "seed must be a whole number of 0 or more, got -1"),
        ({"sample_weight": ["a"] * 800}, DataError, "sample_weight must be finite numbers of 0 or"),
        ({"by": "aeg"}, SettingError, "by: there is no column 'aeg'; did you mean 'age'"),
        ({"by": ["left_"]}, SettingError, "by: there is no column 'left_'"),
        ({"metric": "rmse"}, SettingError, "'rmse' is not a score of a classification of 2"),
        ({"worst": -1}, SettingError, "worst must be a whole number of 0 or more, got -1"),
        ({"sample_weight": [1.0]}, ShapeError, r"sample_weight has shape \(1,\)"),
    ],
)
def test_what_cannot_be_asked_is_refused(left, settings, error, part):
    with pytest.raises(error, match=part) as told:
        chainrule.evaluate(*left, **settings)
    assert isinstance(told.value, ChainruleError) and "\n" not in str(told.value)


def test_models_and_rows_that_cannot_be_judged_are_refused(left):
    model, X, y = left
    numbers, classes = three()
    logistic = LogisticRegression().fit(numbers, classes)
    for settings in ({"threshold": 0.3}, {"costs": {"false_positive": 1, "false_negative": 1}}):
        with pytest.raises(SettingError, match="'y' has 3 classes; a threshold is for two"):
            chainrule.evaluate(logistic, numbers, classes, **settings)
    with pytest.raises(InputTypeError, match="model must be a run folder.*got int"):
        chainrule.evaluate(3, X, y)
    with pytest.raises(InputTypeError, match="SVC gives no probabilities"):
        chainrule.evaluate(SVC().fit(numbers, classes), numbers, classes)
    with pytest.raises(InputTypeError, match="y is missing"):
        chainrule.evaluate(logistic, numbers)
    with pytest.raises(DataError, match="no label of training, only 'maybe'; known: 'no', 'yes'"):
        chainrule.evaluate(model, X, ["maybe"] * 800)
    with pytest.raises(ShapeError, match="y has 2 values, X has 800 rows"):
        chainrule.evaluate(model, X, ["yes", "no"])
    with pytest.raises(DataError, match="y is missing, and X has no column 'left'; give"):
        chainrule.evaluate(model, X)
    several = TabularClassifier(**QUICK).fit(X, pd.DataFrame({"a": y, "b": y}))
    with pytest.raises(SettingError, match="has 2 targets; this is for one"):
        chainrule.evaluate(several, X, y)
