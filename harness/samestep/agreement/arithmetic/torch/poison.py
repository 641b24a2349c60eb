"""The poison run: every handle is NaN, and all results must be the exact run's, bit for bit.

What read a handle's bytes, where no mode of PyTorch could see it, differs: `.numpy()` in a backward pass,
pickle, saved-tensor hooks, memory shared with NumPy, Python threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.agreement.aside import let_go


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two arrays are equal in shape and value, with any NaN equal to any."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return np.array_equal(a, b) or (a.dtype.kind in "fc" and np.array_equal(a, b, equal_nan=True))


def fingerprints(tensors: Mapping[Any, np.ndarray]) -> dict[Any, bytes]:
    """Return what stands for each array in an `audit`: two runs of a large model need not be held at once."""
    return {key: _fingerprint(array) for key, array in tensors.items()}


def _fingerprint(array: np.ndarray) -> bytes:
    """A hash of shape, dtype and bits, with any NaN as one."""
    if array.dtype.kind in "fc" and np.isnan(array.sum()):
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    made = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    if array.size:
        made.update(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data)
    let_go(array)
    return made.digest()


def audit(exact: Mapping[Any, bytes], poisoned: Mapping[Any, np.ndarray]) -> None:
    """Raise `Refused` if a poisoned run differs from the exact one, of which ``exact`` has the fingerprints.

    The message names what differs.
    """
    different = [str(key) for key, seen in fingerprints(poisoned).items() if exact.get(key) != seen]
    different += [str(key) for key in exact if key not in poisoned]
    if not different:
        return
    names = ", ".join(different[:5]) + (f" and {len(different) - 5} more" if len(different) > 5 else "")
    raise Refused(
        f"something reads tensors' bytes past PyTorch's dispatcher (NumPy, pickle, a thread, memory that is "
        f"shared), or a run changes what is not put back: {names} differ where the bytes are NaN"
    )
