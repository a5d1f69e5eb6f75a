"""scikit-learn's checks of estimators: every one of them, without an expected failure."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from chainrule import MLPClassifier, MLPRegressor

SKIPPED = {
    "check_array_api_input",  # of scikit-learn's own array API support
    "check_classifiers_multilabel_output_format_decision_function",  # there is none, as theirs
}
CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.func.__name__}")
    for one in (MLPClassifier(), MLPRegressor())
    for estimator, check in estimator_checks_generator(one)
    if check.func.__name__ not in SKIPPED
]


@pytest.mark.filterwarnings("default", "ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator, check", CHECKS)
def test_scikit_learn_s_check_passes(estimator, check):
    check(estimator)


def test_there_are_as_many_checks_as_for_scikit_learn_s_own():
    from sklearn.neural_network import MLPClassifier as Original

    names = {check.func.__name__ for _, check in estimator_checks_generator(Original())}
    ours = {check.func.__name__ for _, check in estimator_checks_generator(MLPClassifier())}
    assert ours >= names and len(CHECKS) > 110
