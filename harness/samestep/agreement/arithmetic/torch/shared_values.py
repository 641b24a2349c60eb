"""The float64 values of what a program is given, which its runs and its tape hold once.

They are shared as long as someone holds them. A run makes its own copy of what it changes, and new values
where the bytes are others.
"""

from __future__ import annotations

from weakref import WeakValueDictionary

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.error_blocks import BLOCK


class SharedValues:
    """Values by the place of a tensor among those that a program is given."""

    def __init__(self) -> None:
        self._storages: WeakValueDictionary[int, torch.UntypedStorage] = WeakValueDictionary()

    def of(self, place: int, row: Tensor) -> Tensor:
        """Return a ``row`` of floats in float64: no copy where another run's values have the same bits."""
        storage = self._storages.get(place)
        if storage is not None and storage.nbytes() == 8 * row.numel() and storage.device == row.device:
            values = torch.empty(0, dtype=torch.float64, device=row.device)
            values.set_(storage, 0, (row.numel(),), (1,))
            if _are_same(values, row):
                return values
        values = row.to(torch.float64, copy=True)
        self._storages[place] = values.untyped_storage()
        return values


def _are_same(values: Tensor, row: Tensor) -> bool:
    parts = zip(values.split(BLOCK), row.split(BLOCK), strict=True)
    return all(torch.equal(x.view(torch.int64), y.double().view(torch.int64)) for x, y in parts)
