"""Are two arrays the same but for rounding? It leaves half of the digits; another result leaves none."""

from __future__ import annotations

import numpy as np

from samestep.agreement.limits import unit_roundoff


def is_near(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two arrays agree to half of float32's digits, in the norm of the other one.

    Arrays of other shapes do not, nor does one whose ``other`` is not finite throughout.
    """
    if one.shape != other.shape or not np.isfinite(other).all():
        return False
    one, other = one.astype(np.float64), other.astype(np.float64)
    return bool(np.linalg.norm(one - other) <= unit_roundoff(np.float32) ** 0.5 * np.linalg.norm(other))
