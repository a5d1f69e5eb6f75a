"""What an estimator that is not fitted says, whatever it is asked."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

import chainrule
from chainrule import (
    MLPClassifier,
    MLPRegressor,
    TabularClassifier,
    TabularRegressor,
    explaining,
)

X, Y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2
OF_TABLES = {
    "predict": lambda model: model.predict(X),
    "score": lambda model: model.score(X, Y),
    "save": lambda model: model.save("model.safetensors"),
    "hidden_unit": lambda model: explaining.hidden_unit(model, X, "dense_0", 0),
}
OF_ALL = {
    "evaluate": lambda model: chainrule.evaluate(model, X, Y),
    "compare": lambda model: chainrule.compare(model, model, X, Y),
    "permutation_importance": lambda model: explaining.permutation_importance(model, X, Y),
    "partial_dependence": lambda model: explaining.partial_dependence(model, X, "x0"),
    "shap_values": lambda model: explaining.shap_values(model, X),
    "local_surrogate": lambda model: explaining.local_surrogate(model, X, 0),
    "saliency": lambda model: explaining.saliency(model, X),
    "integrated_gradients": lambda model: explaining.integrated_gradients(model, X),
    "subject_of": lambda model: explaining.subject_of(model, X),
}


@pytest.mark.parametrize("ask", [*OF_TABLES.values(), *OF_ALL.values()], ids=[*OF_TABLES, *OF_ALL])
@pytest.mark.parametrize("model", [TabularClassifier(), TabularRegressor()], ids=["C", "R"])
def test_an_estimator_of_tables_that_is_not_fitted_says_so(model, ask):
    with pytest.raises(NotFittedError, match=f"{type(model).__name__}.* not fitted"):
        ask(model)


@pytest.mark.parametrize("ask", OF_ALL.values(), ids=list(OF_ALL))
@pytest.mark.parametrize(
    "model",
    [MLPClassifier(), MLPRegressor(), LogisticRegression(), LinearRegression(),
     make_pipeline(LogisticRegression())],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_any_other_says_so_too(model, ask):
    with pytest.raises(NotFittedError, match=r"not fitted"):
        ask(model)


def test_without_y_too():
    with pytest.raises(NotFittedError, match="evaluate: this TabularRegressor is not fitted; call"):
        chainrule.evaluate(TabularRegressor(), X)
    with pytest.raises(NotFittedError, match="TabularRegressor instance is not fitted"):
        TabularRegressor().predict_interval(X)
