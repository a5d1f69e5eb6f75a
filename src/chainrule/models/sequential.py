"""Sequential: layers one after the other, with Keras's methods."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.engine import check_engine
from chainrule.errors import InputTypeError, SettingError
from chainrule.losses import find_loss, find_metric
from chainrule.models.saving import save
from chainrule.models.stacked import StackedModel
from chainrule.optimizers import find_optimizer
from chainrule.tracing import Notation, StepTrace, as_batch, as_notation, trace_steps
from chainrule.training import History, RunningOptimizer

__all__ = ["Sequential"]

Array = np.ndarray[Any, np.dtype[Any]]


class Sequential(StackedModel):
    """A network of layers one after the other.

    layers
        Layers in order; an `Input` first says the shape of a row, else the data says it at the
        first `fit`, `evaluate` or `predict`.
    seed
        What first values, shuffles and masks are drawn from; None draws one and records it.
    dtype
        "float32" or "float64": what it computes in.
    name
        What it is called.

    Raises `ShapeError` where layers do not fit together, `SettingError` for settings that are not
    allowed.

    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential(
    ...     [chainrule.layers.Input((2,)), chainrule.layers.Dense(4, "tanh"),
    ...      chainrule.layers.Dense(1, "sigmoid")], seed=3)
    >>> model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> history = model.fit(X, [0, 1, 1, 0], epochs=2)
    >>> sorted(history.history), model.predict(X).shape, model.count_params()
    (['accuracy', 'loss'], (4, 1), 17)
    """

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        engine: str = "auto",
    ) -> None:
        """Choose what is descended and how; the optimizer starts anew.

        optimizer, loss
            Names or objects; a loss may be a function `(y_true, y_pred)` on nodes.
        metrics
            A list of names, `chainrule.metrics` objects or functions `(y_true, y_pred)` on nodes.
            Rows are not weighted in them.
        engine
            "auto", "native" or "numpy".

        Raises `SettingError` for unknown names, `EngineError` where the engine cannot be had;
        warns of a loss that takes outputs for what the last activation does not give.
        """
        check_engine(engine)
        if loss is None:
            message = 'compile: loss is missing; give a name such as loss="mean_squared_error".'
            raise SettingError(message)
        if isinstance(metrics, str | Mapping) or not isinstance(metrics, Iterable | None):
            message = f'compile: metrics must be a list such as ["accuracy"], got {metrics!r}.'
            raise InputTypeError(message)
        self._compiled = {
            "optimizer": find_optimizer(optimizer),
            "loss": find_loss(loss),
            "metrics": [find_metric(one) for one in metrics or ()],
            "engine": engine,
        }
        self._compile_trainer()

    def fit(
        self,
        X: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[Any, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Train, and give what happened; a second call goes on where the first one stopped.

        X, y
            Arrays, lists or frames with a first axis of rows; uint8 data is kept as bytes.
        batch_size, epochs, initial_epoch
            Rows an update, 32 where None; epochs go from `initial_epoch` to before `epochs`.
        verbose
            0 quiet, 1 a view, 2 a line an epoch (stderr); "auto" a view on a terminal or notebook.
        validation_split
            The share of rows, the last ones, that are validated on and not trained on.
        validation_data
            (X, y) or (X, y, sample_weight) to validate on.
        class_weight, sample_weight
            A weight a class (others 1) or a row; a weighted loss is divided by the number of rows.

        Raises `TrainingError` before the step of a loss that is not finite; Ctrl-C waits a step.
        """
        self._need_compiled("fit")
        return self._trainer_for(X).fit(
            X, y, batch_size=batch_size, epochs=epochs, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=validation_data, shuffle=shuffle,
            class_weight=class_weight, sample_weight=sample_weight, initial_epoch=initial_epoch,
            owner=self,
        )  # fmt: skip

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics with the weights as they stand: a list, a dict, or the loss alone."""
        self._need_compiled("evaluate")
        scores = self._trainer_for(X).evaluate(X, y, sample_weight, batch_size)
        return _as_keras(scores, return_dict)

    def predict(self, X: Any, batch_size: int | None = None, verbose: Any = "auto") -> Array:
        """The last layer's output for each row, in the model's dtype."""
        output: Array = self._trainer_for(X).predict(X, batch_size)
        return output

    def predict_on_batch(self, X: Any) -> Array:
        """The output for the rows of one batch."""
        return self.predict(X, batch_size=max(1, len(X)) if hasattr(X, "__len__") else None)

    def train_on_batch(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[Any, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on all rows given; loss and metrics of this batch before the step."""
        self._need_compiled("train_on_batch")
        trainer = self._trainer or self._trainer_for(X)
        return _as_keras(trainer.train_on_batch(X, y, sample_weight, class_weight), return_dict)

    def check_gradient(
        self, X: Any, y: Any, sample_weight: Any = None, rtol: float = 1e-6, most: int = 100
    ) -> float:
        """The largest relative error of the gradient that training follows, against slopes.

        The loss is moved along each weight and its central difference taken, in float64 and by the
        engine that trains; the model stays as it is. Where a kink (0 of a ReLU) is near, smaller
        steps are tried, and slopes of one side.

        most
            Numbers looked at of each parameter, drawn by chance where it has more.

        Raises `GradientError` beyond `rtol`, naming the weight.
        """
        self._need_compiled("check_gradient")
        trainer = self._trainer or self._trainer_for(X)
        return trainer.check_gradient(X, y, sample_weight, rtol=rtol, most=most)

    def trace(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        class_weight: Mapping[Any, float] | None = None,
        notation: str | Notation = "rows",
        steps: int = 1,
        check: bool = False,
        **how: Any,
    ) -> StepTrace:
        """One training step of one row or a batch, every number of it; the model stays as it is.

        X, y
            Rows as `fit` takes them, all of one batch; or one row, without the axis of rows.
        sample_weight, class_weight
            As `fit` takes them.
        notation
            "rows" (a W), "columns" (W a, weights units x inputs), "theta" (a unit of 1 for the
            bias), or a `chainrule.tracing.Notation`; further settings of one (`units`, `weights`,
            `biases`, `first_layer`, `digits`, `loss`, `errors`) by keyword.
        steps
            How many steps on these rows.
        check
            Whether a central difference stands beside each gradient that is shown.

        >>> from chainrule import examples
        >>> example = examples.mazur()
        >>> step = example.model.trace(example.arrays["X"], example.arrays["y"])
        >>> step.delta[1].round(8)
        array([[ 0.13849856, -0.03809824]])
        """
        self._need_compiled("trace")
        trainer = self._trainer or self._trainer_for(X)
        rows = as_batch(X, y, len(trainer.network.inputs[0].shape))
        data = trainer.data(*rows, sample_weight)
        if class_weight is not None:
            data = trainer.intake.class_weighted(data, class_weight)
        others = ("steps", "check", "sample_weight", "class_weight")
        return trace_steps(
            trainer, data, steps=steps, check=check, notation=as_notation(notation, how, others)
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write architecture, parameters and optimizer state to one safetensors file.

        Raises `InputTypeError` where a part is code of one's own, which files do not keep.
        """
        save(self, path)

    def __call__(self, X: Any) -> Any:
        message = f"model {self.name!r} is not called; predict(X) gives its output for each row."
        raise InputTypeError(message)

    @property
    def optimizer(self) -> RunningOptimizer:
        """The optimizer at work; its `learning_rate` may be set."""
        self._need_compiled("optimizer")
        return self.trainer.optimizer

    @property
    def compile_settings(self) -> dict[str, Any]:
        """What `compile` was given, as objects: optimizer, loss, metrics, engine."""
        self._need_compiled("compile_settings")
        return dict(self._compiled or {})


def _as_keras(scores: dict[str, float], return_dict: bool) -> Any:
    if return_dict:
        return scores
    return list(scores.values()) if len(scores) > 1 else scores["loss"]
