"""Indices, shifts and counts as NumPy takes them, where they may stand in an array type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation, name_of


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


def _of_integers(function: Callable[..., Any]) -> Callable[..., Any]:
    def handler(self: object, *args: Any, **options: Any) -> Any:
        def plain(given: Any) -> Any:
            if isinstance(given, list | tuple):
                return type(given)(plain(item) for item in given)
            return given.exact_integers(name_of(function)) if hasattr(given, "exact_integers") else given

        return function(*map(plain, args), **{name: plain(given) for name, given in options.items()})

    return handler


#: What NumPy does with integers and masks alone: all code gets the same, as plain arrays.
OF_INTEGERS: dict[Callable[..., Any], Callable[..., Any]] = {
    function: _of_integers(function)
    for function in (
        np.argwhere, np.array_equal, np.flatnonzero, np.isin, np.ix_, np.lexsort, np.searchsorted, np.unique,
    )
}  # fmt: skip
