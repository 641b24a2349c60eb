"""One tensor against the reference: certificate, spread, bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.findings import TensorStatistics
from samestep.agreement.limits import reference_share
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.reference.spread import seen
from samestep.agreement.verdict import Disagreement, Divergence, Invalid, Suspicion


@dataclass(frozen=True)
class Place:
    """Where in the examination a tensor was seen."""

    step: int
    task: str


def judged(place: Place, tensor: str, got: np.ndarray, expected: Expectation) -> TensorStatistics | None:
    """Raise `Disagreement` where the certificate is breached, and `Suspicion` where a spread's limit is.

    Returns what was seen, in units of the spread; None for an integer, which has the certificate only.
    Raises `Invalid` for a shape other than the reference's, and for a value that is not finite where the
    reference is.
    """
    value = expected.exact.all[tensor]
    _comparable(place, tensor, got, value)
    share = _proven(place, tensor, got, expected) if expected.proven else None
    if tensor not in expected.spreads:
        return None
    looked = seen(got, value, expected.spreads[tensor], expected.point.params.get(tensor))
    if looked.breach is None:
        return replace(looked, certificate=share)
    at = looked.index
    if place.step > 0 and value.shape == (place.step + 1,) and looked.first:
        at = looked.first  # of the losses of many steps the first wrong one counts, not the worst
        place = Place(at[0], place.task)
    if not expected.proven:
        _proven(place, tensor, got, expected)
    error, limit, index = {
        "elements": (looked.elements, looked.elements_limit, at),
        "norm": (looked.norm, looked.norm_limit, None),
        "scale": (looked.scale, looked.scale_limit, None),
    }[looked.breach]
    found = Divergence(
        place.step, place.task, tensor, index, float(got[at]), float(value[at]), error, limit, looked.breach
    )
    raise Suspicion(found, got=got, expected=value, expectation=expected)


def _proven(place: Place, tensor: str, got: np.ndarray, expected: Expectation) -> float:
    """The certificate; of the losses of many steps that of the steps up to this one."""
    bound = expected.bounds().all[tensor]
    last = place.step + 1 if tensor == "losses" else None
    try:
        return certified(place, tensor, got[:last] if last else got, bound[:last] if last else bound)
    except Disagreement as found:
        found.got, found.expected, found.expectation = got, expected.exact.all[tensor], expected
        raise


def _comparable(place: Place, tensor: str, got: np.ndarray, value: np.ndarray) -> None:
    if got.shape != value.shape:
        raise Invalid(f"{place.task}: {tensor} has shape {got.shape}, expected {value.shape}")
    broken = np.isfinite(value) & ~np.isfinite(got)
    if broken.any():
        index = _index(broken)
        raise Invalid(
            f"{place.task}, step {place.step}: {tensor}{list(index)} is {got[index]}, "
            f"expected {value[index]:.9g}"
        )


def certified(place: Place, tensor: str, got: np.ndarray, expected: Bound) -> float:
    """Raise `Disagreement` where ``got`` is further from the reference than honest rounding can carry it.

    Returns the worst error over limit (0 where both are 0). Raises `Invalid` as `judged` does.
    """
    value, limit = expected.value, expected.bound * reference_share(expected.precision)
    _comparable(place, tensor, got, value)
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
            ),
            got=got,
            expected=value,
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
            Divergence(place.step, place.task, tensor, index, now, was, abs(now - was), 0.0, test),
            got=got,
            expected=expected,
        )


def _index(mask: np.ndarray) -> tuple[int, ...]:
    """The first place where the mask holds."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(mask), mask.shape))
