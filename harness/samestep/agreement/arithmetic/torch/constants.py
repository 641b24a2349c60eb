"""Arrays that the code holds, neither inputs nor parameters: others may have rounded them otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch

from samestep.agreement.arithmetic.program import Nudge, constant_digest
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF, unseen
from samestep.agreement.arithmetic.torch.literals import SHORT_BITS


class Constants:
    """The captured constants of one run: found when their storages are met, moved where a nudge says so.

    ``held()`` gives the tensors that the other side has as well; a run may add to them. Without ``finds``
    nothing is found and moved.
    """

    def __init__(
        self, held: Callable[[], Iterable[torch.Tensor]], nudge: Nudge | None = None, finds: bool = True
    ) -> None:
        self._held, self._finds = held, finds
        self._known = self._storages()
        self._seed = None if nudge is None else nudge.constants
        self._shared = frozenset() if nudge is None else nudge.shared
        self.found: dict[str, np.ndarray] = {}

    def _storages(self) -> dict[int, int]:
        return {tensor.untyped_storage()._cdata: place for place, tensor in enumerate(self._held())}

    def place(self, tensor: torch.Tensor) -> int | None:
        """Return the place of a tensor among those that the other side has as well; None for another."""
        storage = tensor.untyped_storage()._cdata
        if storage not in self._known:
            self._known = self._storages() | self._known
        return self._known.get(storage)

    def meet(self, tensor: torch.Tensor, values: torch.Tensor) -> None:
        """See the storage of a captured array for the first time; its float64 ``values`` may be moved."""
        if not self._finds:
            return
        with unseen():
            owing = values.frexp().mantissa * 2**SHORT_BITS
            moves = (owing != owing.trunc()) & values.isfinite()
            if not bool(moves.any()):
                return  # zeros, ones, masks, positions: every program holds them alike
            name = constant_digest(values.cpu().numpy())
            self.found.setdefault(name, values.cpu().numpy().copy())
            if self._seed is not None and name not in self._shared:
                signs = np.random.default_rng([self._seed, int(name[:8], 16)]).choice(
                    [-1.0, 1.0], values.numel()
                )
                step = torch.from_numpy(signs).to(values.device) * ROUNDOFF[tensor.dtype]
                values.mul_(torch.where(moves, 1 + step, 1.0))
