"""To the library `shap`, whose plots draw our values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.explaining.column_values import numbers_of_cells
from chainrule.explaining.explanation import shown

if TYPE_CHECKING:
    from chainrule.explaining.attributions import Attributions

__all__ = ["as_shap"]


def as_shap(found: Attributions) -> Any:
    """A `shap.Explanation` of attributions."""
    try:
        import shap
    except ImportError:
        message = (
            "to_shap: shap is not installed; install it with: pip install 'chainrule[explain]'"
        )
        raise SettingError(message) from None
    several = np.ndim(found.base) > 0
    shape = (found.rows, len(found.outputs)) if several else (found.rows,)
    listed = [found.cells[name] for name in found.columns]
    return shap.Explanation(
        values=found.values,
        base_values=np.broadcast_to(np.asarray(found.base, dtype=np.float64), shape).copy(),
        data=np.column_stack([_coded(cells, numbers_of_cells(cells)) for cells in listed]),
        display_data=np.column_stack([_shown(cells, numbers_of_cells(cells)) for cells in listed]),
        feature_names=list(found.columns),
        output_names=[str(one) for one in found.outputs] if several else None,
    )


def _coded(cells: Any, numbers: Any) -> Any:
    """Numbers, or codes of categories in the order of their names."""
    if numbers is not None:
        return numbers
    spelled = np.array([shown(one) for one in cells])
    return np.unique(spelled, return_inverse=True)[1].astype(np.float64)


def _shown(cells: Any, numbers: Any) -> Any:
    """Numbers as they are, for an axis of them; all else as text."""
    kinds = {type(one) for one in cells} & {int, float}
    if numbers is not None and kinds:
        return numbers.astype(object)
    return np.array([shown(one) for one in cells], dtype=object)
