"""One tensor against the reference: the elementwise certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.agreement.bound import Bound
from harness.agreement.limits import reference_share
from harness.agreement.verdict import Disagreement, Divergence, Invalid


@dataclass(frozen=True)
class Place:
    """Where in the examination a tensor was seen."""

    step: int
    task: str


def certified(place: Place, tensor: str, got: np.ndarray, expected: Bound) -> float:
    """Raise `Disagreement` where ``got`` is further from the reference than honest rounding can carry it.

    Returns the worst error over limit (0 where both are 0). Raises `Invalid` for a shape other than the
    reference's, and for a value that is not finite where the reference is.
    """
    if got.shape != expected.shape:
        raise Invalid(f"{place.task}: {tensor} has shape {got.shape}, expected {expected.shape}")
    value, limit = expected.value, expected.bound * reference_share(expected.precision)
    broken = np.isfinite(value) & ~np.isfinite(got)
    if broken.any():
        index = _index(broken)
        raise Invalid(
            f"{place.task}, step {place.step}: {tensor}{list(index)} is {got[index]}, "
            f"expected {value[index]:.9g}"
        )
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - value)
        ratio = np.where(error > 0, error / limit, 0.0)
    # Where the reference or its limit is not finite, nothing is certified; and argmax must not stop there.
    ratio = np.where(np.isfinite(value) & ~np.isnan(ratio), ratio, 0.0)
    if not ratio.size:
        return 0.0
    index = tuple(int(i) for i in np.unravel_index(np.argmax(ratio), ratio.shape))
    if ratio[index] > 1:
        raise Disagreement(
            Divergence(
                step=place.step,
                task=place.task,
                tensor=tensor,
                index=index,
                got=float(got[index]),
                expected=float(value[index]),
                error=float(error[index]),
                limit=float(limit[index]),
                test="certificate",
            )
        )
    return float(ratio[index])


def identical(place: Place, tensor: str, got: np.ndarray, expected: np.ndarray, test: str) -> None:
    """Raise `Disagreement` unless both hold the same values, bit for bit (-0 equals 0, NaN equals NaN)."""
    if got.shape != expected.shape:
        raise Invalid(f"{place.task}: {tensor} has shape {got.shape}, expected {expected.shape}")
    differ = (got != expected) & ~((got != got) & (expected != expected))
    if differ.any():
        index = _index(differ)
        was, now = float(expected[index]), float(got[index])
        raise Disagreement(
            Divergence(place.step, place.task, tensor, index, now, was, abs(now - was), 0.0, test)
        )


def _index(mask: np.ndarray) -> tuple[int, ...]:
    """The first place where the mask holds."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(mask), mask.shape))
