"""Neural networks of which every number can be seen.

`import chainrule` loads NumPy and little else; each name loads its room when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule import callbacks as callbacks
    from chainrule import initializers as initializers
    from chainrule import layers as layers
    from chainrule import losses as losses
    from chainrule import metrics as metrics
    from chainrule import optimizers as optimizers
    from chainrule import regularizers as regularizers
    from chainrule.engine import engine_info as engine_info
    from chainrule.errors import (
        ChainruleError as ChainruleError,
    )
    from chainrule.errors import (
        DataError as DataError,
    )
    from chainrule.errors import (
        EngineError as EngineError,
    )
    from chainrule.errors import (
        ExistingFileError as ExistingFileError,
    )
    from chainrule.errors import (
        GradientError as GradientError,
    )
    from chainrule.errors import (
        InputTypeError as InputTypeError,
    )
    from chainrule.errors import (
        MissingFileError as MissingFileError,
    )
    from chainrule.errors import (
        ModelFileError as ModelFileError,
    )
    from chainrule.errors import (
        SettingError as SettingError,
    )
    from chainrule.errors import (
        ShapeError as ShapeError,
    )
    from chainrule.errors import (
        TrainingError as TrainingError,
    )
    from chainrule.errors import (
        WriteError as WriteError,
    )
    from chainrule.graph import Node as Node
    from chainrule.graph import check_gradient as check_gradient
    from chainrule.graph import constant as constant
    from chainrule.graph import grad as grad
    from chainrule.graph import operation as operation
    from chainrule.graph import ops as ops
    from chainrule.graph import variable as variable
    from chainrule.models import Sequential as Sequential
    from chainrule.models import load_model as load_model

__version__ = "0.1.0"

_ROOM_OF = {
    "Node": "graph",
    "check_gradient": "graph",
    "constant": "graph",
    "grad": "graph",
    "operation": "graph",
    "ops": "graph",
    "variable": "graph",
    "Sequential": "models",
    "load_model": "models",
    "engine_info": "engine",
    "ChainruleError": "errors",
    "DataError": "errors",
    "EngineError": "errors",
    "ExistingFileError": "errors",
    "GradientError": "errors",
    "InputTypeError": "errors",
    "MissingFileError": "errors",
    "ModelFileError": "errors",
    "SettingError": "errors",
    "ShapeError": "errors",
    "TrainingError": "errors",
    "WriteError": "errors",
}
_MODULES = (
    "callbacks", "initializers", "layers", "losses", "metrics", "optimizers", "regularizers",
)  # fmt: skip

__all__ = ["__version__", *_ROOM_OF, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"chainrule.{name}")
    if name not in _ROOM_OF:
        message = f"module 'chainrule' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(f"chainrule.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
