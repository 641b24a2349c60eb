"""Indices, shifts and counts as NumPy takes them, where they may stand in an array type."""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation


def plain_index(index: Any) -> Any:
    """Return an index as NumPy takes it. Raises `UnknownOperation` for one that is computed or undecided."""
    return tuple(plain_item(item) for item in index) if isinstance(index, tuple) else plain_item(index)


def plain_item(item: Any) -> Any:
    """Return the same for one item of an index, or for any argument that must be plain integers."""
    if not hasattr(item, "exact_integers"):
        return item
    try:
        return item.exact_integers("an index")
    except UnknownOperation as unknown:
        if item.dtype != bool:
            raise
        raise UnknownOperation("indexing with a computed mask", "np.where") from unknown


def scattered(start: np.ndarray, index: Any, values: Any) -> np.ndarray:
    """Return a copy of ``start`` with ``values`` added at the places ``index``, as often as each is named."""
    added = start.copy()
    np.add.at(added, index, values)
    return added
