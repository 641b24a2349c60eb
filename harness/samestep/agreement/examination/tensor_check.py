"""One tensor against the reference: certificate, spread, bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.examination.tensor_statistics import index_of_largest, tensor_statistics
from samestep.agreement.findings import TensorStatistics
from samestep.agreement.limits import reference_share
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.verdict import Disagreement, Divergence, Invalid, Suspicion


@dataclass(frozen=True)
class Place:
    """A place in the examination: the task, and the forced step, from 0."""

    step: int
    task: str


def check_tensor(
    place: Place, tensor: str, got: np.ndarray, expected: Expectation
) -> TensorStatistics | None:
    """Return the statistics of a tensor that a candidate gave; None for an integer one.

    ``got`` is an array of any shape, in its own units; an integer one is compared with the certificate only.
    Raises `Disagreement` where the certificate is breached, `Suspicion` where a statistical limit is, and
    `Invalid` for a shape other than the reference's, and for a value that is not finite where the reference
    is; `Disagreement` too for one that is not the reference's where that is not finite.
    """
    value = expected.exact.all[tensor]
    _check_comparable(place, tensor, got, value)
    share = _check_against_bounds(place, tensor, got, expected) if expected.certified else None
    if tensor not in expected.spreads:
        return None
    finite = np.isfinite(got)  # what is not was found to be right
    compared = got if finite.all() else np.where(finite, got, value)
    found = tensor_statistics(compared, value, expected.spreads[tensor], expected.point.params.get(tensor))
    if found.breach is None:
        return replace(found, certificate=share)
    at = found.index
    if place.step > 0 and value.shape == (place.step + 1,) and found.first:
        at = found.first  # of the losses of many steps the first wrong one counts, not the worst
        place = Place(at[0], place.task)
    if not expected.certified:
        _check_against_bounds(place, tensor, got, expected)
    error, limit, index = {
        "elements": (found.elements, found.elements_limit, at),
        "norm": (found.norm, found.norm_limit, None),
        "scale": (found.scale, found.scale_limit, None),
    }[found.breach]
    divergence = Divergence(
        place.step, place.task, tensor, index, float(got[at]), float(value[at]), error, limit, found.breach
    )
    raise Suspicion(divergence, got=got, expected=value, expectation=expected)


def _check_against_bounds(place: Place, tensor: str, got: np.ndarray, expected: Expectation) -> float:
    """The certificate; for the losses of many steps that of the steps up to this one."""
    bound = expected.bounds().all[tensor]
    last = place.step + 1 if tensor == "losses" else None
    try:
        return check_certificate(place, tensor, got[:last] if last else got, bound[:last] if last else bound)
    except Disagreement as found:
        found.got, found.expected, found.expectation = got, expected.exact.all[tensor], expected
        raise


def _check_comparable(place: Place, tensor: str, got: np.ndarray, value: np.ndarray) -> None:
    if got.shape != value.shape:
        raise Invalid(f"{place.task}: {tensor} has shape {got.shape}, expected {value.shape}")
    if np.isfinite(value).all() and np.isfinite(got).all():
        return
    with np.errstate(over="ignore"):
        held = value.astype(got.dtype)  # what is beyond the range of the dtype is infinite in it
    broken = np.isfinite(held) & ~np.isfinite(got)
    if broken.any():
        index = index_of_largest(broken)
        raise Invalid(
            f"{place.task}, step {place.step}: {tensor}{list(index)} is {got[index]}, "
            f"expected {value[index]:.9g}"
        )
    # Near the end of the range rounding decides between the largest number and infinity
    beyond = np.isfinite(value) & ~np.isfinite(held)
    differ = ~np.isfinite(held) & ~beyond & (got != held) & ~(np.isnan(got) & np.isnan(held))
    if differ.any():
        index = index_of_largest(differ)
        was, now = float(held[index]), float(got[index])
        found = Divergence(place.step, place.task, tensor, index, now, was, float("nan"), 0.0, "not finite")
        where = f"{place.task}, step {place.step}: {tensor}{list(index)}"
        raise Disagreement(found, f"{where} is {now:.9g}, expected {was:.9g} (not finite)", got, value)


def check_certificate(place: Place, tensor: str, got: np.ndarray, expected: Bound) -> float:
    """Return the worst |error| / bound of a tensor (0 where both are 0), a ratio.

    ``got`` and ``expected`` have one shape and the same units. Raises `Disagreement` where the ratio exceeds
    1, which rounding cannot do, and `Invalid` as `check_tensor` does.
    """
    value, limit = expected.value, expected.bound * reference_share(expected.precision)
    _check_comparable(place, tensor, got, value)
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - value)
        ratio = np.where(error > 0, error / limit, 0.0)
    # Where either side or the limit is not finite, nothing is certified; and argmax must not stop there.
    ratio = np.where(np.isfinite(value) & np.isfinite(got) & ~np.isnan(ratio), ratio, 0.0)
    if not ratio.size:
        return 0.0
    index = index_of_largest(ratio)
    if ratio[index] > 1:
        divergence = Divergence(
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
        raise Disagreement(divergence, got=got, expected=value)
    return float(ratio[index])


def check_identical(place: Place, tensor: str, got: np.ndarray, expected: np.ndarray, test: str) -> None:
    """Compare two arrays bit for bit; -0 equals 0, and NaN equals NaN.

    Raises `Disagreement`, which names ``test``, where a value differs, and `Invalid` where their shapes do.
    """
    if got.shape != expected.shape:
        raise Invalid(f"{place.task}: {tensor} has shape {got.shape}, expected {expected.shape}")
    differ = (got != expected) & ~((got != got) & (expected != expected))
    if differ.any():
        index = index_of_largest(differ)
        was, now = float(expected[index]), float(got[index])
        raise Disagreement(
            Divergence(place.step, place.task, tensor, index, now, was, abs(now - was), 0.0, test),
            got=got,
            expected=expected,
        )
