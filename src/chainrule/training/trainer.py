"""The trainer: a network with its losses, optimizer and parameters, trained and used."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from chainrule import random
from chainrule.engine import Steps, check_engine
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError, listing, nearest
from chainrule.layers import Network, Parameters
from chainrule.losses import find_loss, find_metric
from chainrule.optimizers import Optimizer, find_optimizer
from chainrule.settings import check_number
from chainrule.training.arrays import Array
from chainrule.training.callback import Callbacks
from chainrule.training.checking import check_gradient
from chainrule.training.endings import check_endings, check_reach
from chainrule.training.evaluation import evaluate, predict
from chainrule.training.graphs import Task, output_shapes
from chainrule.training.history import History
from chainrule.training.intake import Data, Intake
from chainrule.training.interruption import uninterrupted
from chainrule.training.loop import (
    FIRST_PIECE,
    Plan,
    batch_size_of,
    check_finite,
    in_training,
    plan_of,
    train,
)
from chainrule.training.measures import means, per_batch
from chainrule.training.progress import progress_for
from chainrule.training.state import RunningOptimizer

__all__ = ["Trainer"]


class Trainer:
    """Trains and uses a network.

    network
        What is trained (`chainrule.layers.Network`).
    loss, optimizer, metrics, engine
        As `compile` takes them; without a loss the network can only predict.
    dtype
        "float32" or "float64".
    seed
        What first values, shuffles and masks are drawn from.
    parameters
        Values to begin with; drawn where None.

    Data of a network with one input is an array, else a dict of arrays by input name; targets
    likewise by output. `iterations` and `epochs` count what was done, over any number of `fit`s.

    >>> import numpy as np
    >>> from chainrule.layers import Dense, Stack
    >>> trainer = Trainer(Stack([Dense(1)], (2,)), "mse", "sgd", seed=1)
    >>> x = np.eye(2)
    >>> history = trainer.fit(x, x @ [1.0, 2.0], epochs=50)
    >>> history.history["loss"][-1] < history.history["loss"][0]
    True
    """

    stop_training = False
    row_numbers: Array | None = None
    """What sentences call the rows of the data, where these were taken from others."""

    def __init__(
        self,
        network: Network,
        loss: Any = None,
        optimizer: Any = "rmsprop",
        metrics: Any = (),
        *,
        dtype: str = "float32",
        seed: int = 0,
        engine: str = "auto",
        parameters: Parameters | None = None,
    ) -> None:
        if np.dtype(dtype) not in (np.float32, np.float64):
            message = f"dtype must be 'float32' or 'float64', got {dtype!r}."
            raise SettingError(message)
        self.network = network
        self.seed = seed
        self.epochs = 0
        self.history: History | None = None
        self.piece = FIRST_PIECE
        if parameters is None:
            parameters = Parameters(network.parameters(), dtype)
            parameters.initialize(seed)
        self.task = Task(network, parameters, engine=engine)
        self.outputs = output_shapes(network)
        self.intake = Intake(network, (), self.outputs, parameters.dtype)
        self._optimizer: RunningOptimizer | None = None
        check_engine(engine)
        if loss is not None:
            self.compile(loss, optimizer, metrics, engine)

    @property
    def parameters(self) -> Parameters:
        """The parameters, which training changes in place."""
        return self.task.parameters

    @property
    def fitting(self) -> bool:
        """Whether `fit` runs."""
        return self in in_training

    @property
    def compiled(self) -> bool:
        """Whether there is a loss to train with."""
        return self._optimizer is not None

    @property
    def optimizer(self) -> RunningOptimizer:
        """The optimizer at work."""
        if self._optimizer is None:
            message = "there is no loss yet: call compile(optimizer=..., loss=...) first."
            raise SettingError(message)
        return self._optimizer

    @property
    def iterations(self) -> int:
        """How many steps were made."""
        return self.optimizer.iterations

    def compile(
        self, loss: Any, optimizer: Any = "rmsprop", metrics: Any = (), engine: str = "auto"
    ) -> None:
        """Choose loss, optimizer, metrics and engine; the optimizer starts anew.

        loss, metrics
            For one output a loss and a list of metrics; for several a list, or a dict by output,
            of these. Metrics may be names, objects or functions.

        Raises `SettingError` for unknown names and for a softmax over one unit, `EngineError` where
        the engine cannot be had; warns of a loss that does not go with the last activation.
        """
        check_engine(engine)
        rule: Optimizer = find_optimizer(optimizer)
        losses = tuple(find_loss(one) for one in self._by_output("loss", loss))
        check_endings(self.network, losses, self.outputs)
        given = self._by_output("metrics", [] if metrics is None else metrics, listed=True)
        resolved = tuple(
            tuple(find_metric(one).resolved(loss, shape) for one in members)
            for members, loss, shape in zip(given, losses, self.outputs, strict=True)
        )
        self.task = Task(self.network, self.parameters, losses, resolved, rule, engine)
        self.intake = Intake(self.network, losses, self.outputs, self.parameters.dtype)
        self._optimizer = RunningOptimizer(rule, self.parameters)

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: Any = 0,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[Any, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        owner: Any = None,
    ) -> History:
        """Train; a second call goes on where the first one stopped.

        Settings are those of `Sequential.fit`; `owner` is what callbacks see as their model, the
        trainer itself when None. Raises `TrainingError` at the first loss that is not finite, and
        passes Ctrl-C on after the step that runs.
        """
        _tell_of_native_module()
        plan = plan_of(batch_size, epochs, initial_epoch, shuffle)
        quiet = _checked_verbose(verbose)
        data = self.data(x, y, sample_weight)
        check_reach(self.network, self.task.losses, data.arrays)
        data, validation = self._validation(data, validation_split, validation_data)
        if class_weight is not None:
            data = self.intake.class_weighted(data, class_weight)
        return self.fit_data(data, validation, plan, callbacks, quiet, owner)

    def fit_data(
        self,
        data: Data,
        validation: Data | None,
        plan: Plan,
        callbacks: Any = None,
        verbose: Any = 0,
        owner: Any = None,
    ) -> History:
        """`fit` of data that is ready."""
        history = History()
        listed = [] if callbacks is None else callbacks
        listed = list(listed) if isinstance(listed, Sequence) else [listed]
        params = {
            "epochs": plan.epochs,
            "steps": math.ceil(data.rows / plan.batch_size),
            "verbose": verbose,
        }
        members = [*listed, *progress_for(verbose), history]
        model = self if owner is None else owner
        model.history = history  # there also where training ends with an error
        told = Callbacks(members, model, params)
        train(self, data, validation, plan, told, history)
        return history

    def evaluate(
        self, x: Any, y: Any, sample_weight: Any = None, batch_size: int | None = None
    ) -> dict[str, float]:
        """Loss (penalties included) and metrics with the weights as they stand."""
        return self.evaluate_data(
            self.data(x, y, sample_weight), batch_size_of("evaluate", batch_size)
        )

    def evaluate_data(self, data: Data, batch_size: int = 32) -> dict[str, float]:
        """`evaluate` of data that is ready."""
        return evaluate(self.task, data, batch_size)

    def predict(self, x: Any, batch_size: int | None = None) -> Any:
        """The output for each row: an array, or for several outputs a dict of arrays."""
        return self.predict_data(self.intake.inputs(x), batch_size)

    def predict_data(self, data: Data, batch_size: int | None = None) -> Any:
        """`predict` of data that is ready."""
        size = None if batch_size is None else batch_size_of("predict", batch_size)
        results = predict(self.task, data, size)
        return results[self.network.output_names[0]] if len(results) == 1 else results

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Mapping[Any, float] | None = None,
    ) -> dict[str, float]:
        """One step on all rows given; the loss and metrics before it."""
        data = self.data(x, y, sample_weight)
        if class_weight is not None:
            data = self.intake.class_weighted(data, class_weight)
        with uninterrupted():
            ran = self.step(data, None, data.rows)
        if ran.stopped is not None:
            check_finite(self, data, ran, np.arange(data.rows), "train_on_batch", 1)
        if self.task.wholes:
            return means([ran], self.task.wholes)
        return {name: values.item() for name, values in ran.results.items()}

    def gradient(self, x: Any, y: Any, sample_weight: Any = None) -> tuple[float, Array]:
        """The loss of all rows as one batch, and its flat gradient; changes nothing."""
        return self.gradient_data(self.data(x, y, sample_weight))

    def gradient_data(self, data: Data) -> tuple[float, Array]:
        """`gradient` of data that is ready."""
        program = self.task.program("gradient", data.variant)
        results, gradient = program.gradient(
            data.arrays, self.parameters.flat, seed=self.seed, step=self.iterations
        )
        return float(results["loss"]), gradient

    def check_gradient(
        self, x: Any, y: Any, sample_weight: Any = None, *, rtol: float = 1e-6, most: int = 100
    ) -> float:
        """The largest relative error of the gradient against central differences of the loss.

        Computed in float64 by the engine that trains, with the next step's random numbers, on a
        copy. At most `most` numbers of each parameter are looked at, drawn by chance where it has
        more. Raises `GradientError` beyond `rtol`, naming the weight.
        """
        return check_gradient(self.in_float64(), x, y, sample_weight, rtol, most)

    def in_float64(self) -> Trainer:
        """A copy that computes in float64, with a new optimizer that has made as many steps."""
        held = Parameters(self.network.parameters(), "float64")
        held.set(self.get_weights())
        copy = Trainer(self.network, dtype="float64", seed=self.seed, parameters=held)
        rule = self.optimizer.description
        copy.compile(list(self.task.losses), rule, engine=self.task.engine)
        copy.optimizer.iterations = self.iterations
        return copy

    def step(
        self, data: Data, order: Array | None, batch_size: int, epoch_rows: int | None = None
    ) -> Steps:
        """Make steps over rows in order, as they come when None, in epochs of so many rows.

        The engine stops before a loss that is not finite.
        """
        data, order = data.taken(order)
        rows = data.rows if order is None else len(order)
        whole = epoch_rows or rows or 1
        count = rows // whole * -(-whole // batch_size)
        optimizer = self.optimizer
        ran = self.task.run(
            "step", data.variant, data.arrays, order=order, batch_size=batch_size,
            epoch_rows=epoch_rows, slots=optimizer.slots, lines=optimizer.lines(count),
            seed=self.seed, step=optimizer.iterations,
        )  # fmt: skip
        optimizer.iterations += ran.made
        return per_batch(ran, self.task.wholes)

    def adopt(self, other: Trainer) -> None:
        """Take the values and the count of epochs of another, where names and shapes agree."""
        for one in other.parameters.table:
            if one.name in self.parameters.names:
                values = other.parameters[one.name]
                if values.shape == self.parameters[one.name].shape:
                    self.parameters[one.name][...] = values
        self.epochs = other.epochs

    def adopt_optimizer(self, other: Trainer) -> None:
        """Take the optimizer of another with its state and its count of steps."""
        self._optimizer = RunningOptimizer(other.optimizer.description, self.parameters)
        self._optimizer.restore(self.parameters, other.optimizer.arrays(other.parameters))
        self._optimizer.iterations = other.iterations

    def get_weights(self) -> list[Array]:
        """A copy of each parameter, layer by layer, kernel before bias."""
        return self.parameters.get()

    def set_weights(self, arrays: Sequence[Any]) -> None:
        """Take the values of arrays in the order of `get_weights`."""
        self.parameters.set(arrays)

    def data(self, x: Any, y: Any, sample_weight: Any = None) -> Data:
        """Inputs, targets and weights, checked and in the types of the programs."""
        if self._optimizer is None:
            message = "there is no loss yet: call compile(optimizer=..., loss=...) first."
            raise SettingError(message)
        return self.intake.all(x, y, sample_weight)

    def _by_output(self, what: str, given: Any, listed: bool = False) -> list[Any]:
        """What is given for each output, in their order."""
        names = self.network.output_names
        if isinstance(given, Mapping):
            for name in given:
                if name not in names:
                    message = f"{what}: there is no output {name!r}; {nearest(str(name), names)}"
                    raise SettingError(message)
            given = [given.get(name, [] if listed else None) for name in names]
        elif len(names) == 1 and (listed or not isinstance(given, list | tuple)):
            given = [given]
        elif listed and not any(isinstance(one, list | tuple) for one in given):
            given = [list(given) for _ in names]
        elif isinstance(given, str) or len(given) != len(names):
            message = f"{what}: give one for each output: {listing(names)}."
            raise SettingError(message)
        return [[one] if listed and not isinstance(one, list | tuple) else one for one in given]

    def _validation(self, data: Data, split: Any, given: Any) -> tuple[Data, Data | None]:
        """Training and validation rows; `given` wins over the last rows of the data."""
        split = check_number(
            "fit", "validation_split", split, "from 0 to below 1", lambda share: 0 <= share < 1
        )
        if given is not None:
            if not isinstance(given, tuple | list) or len(given) not in (2, 3):
                message = (
                    "validation_data must be (X, y) or (X, y, sample_weight), "
                    f"got {type(given).__name__}."
                )
                raise InputTypeError(message)
            try:
                return data, self.data(*given)
            except (DataError, InputTypeError, ShapeError) as error:
                message = f"validation_data: {error}"
                raise type(error)(message) from None
        if not split:
            return data, None
        border = math.floor(data.rows * (1 - split))
        if border in (0, data.rows):
            message = (
                f"validation_split={split}: of {data.rows} rows {border} are left to train on and "
                f"{data.rows - border} to validate on; give more rows or another share."
            )
            raise SettingError(message)
        return data.part(0, border), data.part(border, data.rows)


@cache
def _tell_of_native_module() -> None:
    """Say once, at the first fit, that the native module is missing, where it is."""
    if not random.has_native():
        logging.getLogger("chainrule").warning(random.native_status())


def _checked_verbose(verbose: Any) -> Any:
    if verbose not in ("auto", 0, 1, 2):
        message = f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}."
        raise SettingError(message)
    return verbose
