"""Arrays that the code holds, neither inputs nor parameters: another program may have rounded them otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import torch

from samestep.agreement.arithmetic.program import Nudge
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF, unseen
from samestep.agreement.arithmetic.torch.literals import SHORT_BITS


def digest(array: np.ndarray) -> str:
    """Return the digest of an array's dtype and bytes, which its shape is no part of."""
    return hashlib.sha256(array.dtype.str.encode() + array.tobytes()).hexdigest()[:32]


class Constants:
    """The captured constants of one run: found when their storages are met, moved where a nudge says so."""

    def __init__(self, held: Iterable[torch.Tensor], nudge: Nudge | None = None) -> None:
        self._held = {tensor.untyped_storage()._cdata for tensor in held}
        self._nudge = nudge if nudge is not None and nudge.constants is not None else None
        self.found: dict[str, np.ndarray] = {}

    def meet(self, tensor: torch.Tensor, values: torch.Tensor) -> None:
        """See the storage of ``tensor`` for the first time; its float64 ``values`` may be moved."""
        if tensor.untyped_storage()._cdata in self._held or values.numel() < 2:
            return
        with unseen():
            owing = values.frexp().mantissa * 2**SHORT_BITS
            moves = (owing != owing.trunc()) & values.isfinite()
            if not bool(moves.any()):
                return  # zeros, ones, masks, positions: every program holds them alike
            array = values.to("cpu").numpy().copy()
            name = digest(array)
            self.found.setdefault(name, array)
            if self._nudge is not None and name not in self._nudge.shared:
                seed = [self._nudge.constants, int(name[:8], 16)]
                signs = np.random.default_rng(seed).choice([-1.0, 1.0], array.size)
                step = torch.from_numpy(signs).to(values.device) * ROUNDOFF[tensor.dtype]
                values.mul_(torch.where(moves, 1 + step, 1.0))
