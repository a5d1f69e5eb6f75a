"""Neural networks of which every number can be seen.

`import chainrule` loads NumPy and little else; each name loads its room when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule import (
        activations as activations,
        callbacks as callbacks,
        constraints as constraints,
        drawing as drawing,
        examples as examples,
        explaining as explaining,
        initializers as initializers,
        layers as layers,
        losses as losses,
        metrics as metrics,
        optimizers as optimizers,
        regularizers as regularizers,
        tuning as tuning,
    )
    from chainrule.drawing import plot_activation as plot_activation
    from chainrule.engine import engine_info as engine_info
    from chainrule.errors import (
        ChainruleError as ChainruleError,
        DataError as DataError,
        EngineError as EngineError,
        ExistingFileError as ExistingFileError,
        GradientError as GradientError,
        InputTypeError as InputTypeError,
        MissingFileError as MissingFileError,
        MissingNameError as MissingNameError,
        MissingPlaceError as MissingPlaceError,
        ModelFileError as ModelFileError,
        SettingError as SettingError,
        ShapeError as ShapeError,
        TrainingError as TrainingError,
        WriteError as WriteError,
    )
    from chainrule.estimators import (
        MLPClassifier as MLPClassifier,
        MLPRegressor as MLPRegressor,
        TabularClassifier as TabularClassifier,
        TabularRegressor as TabularRegressor,
        cross_validate as cross_validate,
    )
    from chainrule.graph import (  # type: ignore[no-redef]  # mypy takes the submodule for it
        Node as Node,
        check_gradient as check_gradient,
        constant as constant,
        grad as grad,
        jvp as jvp,
        operation as operation,
        ops as ops,
        variable as variable,
    )
    from chainrule.judging import (
        compare as compare,
        evaluate as evaluate,
        learning_curve as learning_curve,
    )
    from chainrule.layers import Input as Input
    from chainrule.models import (
        Sequential as Sequential,
        learning_rate_range_test as learning_rate_range_test,
        load_model as load_model,
    )
    from chainrule.reporting import Doctor as Doctor
    from chainrule.tracing import trace as trace
    from chainrule.training import fit_many as fit_many
    from chainrule.tuning import tune as tune

__version__ = "0.1.0"

_ROOM_OF = {
    "Node": "graph",
    "check_gradient": "graph",
    "constant": "graph",
    "grad": "graph",
    "jvp": "graph",
    "operation": "graph",
    "ops": "graph",
    "variable": "graph",
    "compare": "judging",
    "evaluate": "judging",
    "learning_curve": "judging",
    "Input": "layers",
    "Sequential": "models",
    "learning_rate_range_test": "models",
    "load_model": "models",
    "TabularClassifier": "estimators",
    "TabularRegressor": "estimators",
    "Doctor": "reporting",
    "fit_many": "training",
    "trace": "tracing",
    "tune": "tuning",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "cross_validate": "estimators",
    "engine_info": "engine",
    "plot_activation": "drawing",
    "ChainruleError": "errors",
    "DataError": "errors",
    "EngineError": "errors",
    "ExistingFileError": "errors",
    "GradientError": "errors",
    "InputTypeError": "errors",
    "MissingFileError": "errors",
    "MissingNameError": "errors",
    "MissingPlaceError": "errors",
    "ModelFileError": "errors",
    "SettingError": "errors",
    "ShapeError": "errors",
    "TrainingError": "errors",
    "WriteError": "errors",
}
_MODULES = (
    "activations", "callbacks", "constraints", "drawing", "examples", "explaining", "initializers",
    "layers", "losses", "metrics", "optimizers", "regularizers", "tuning",
)  # fmt: skip

__all__ = ["__version__", *_ROOM_OF, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"chainrule.{name}")
    if name not in _ROOM_OF:
        from chainrule.errors import missing_from

        return missing_from("chainrule", __all__)(name)
    value = getattr(importlib.import_module(f"chainrule.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
