"""What does the mistake look like? Every family is fitted; one is named if what it leaves is rounding.

A family that fits is a cause only if no other one fits as simply, and if chance would hardly fit as well:
numbers are rounded to the shortest decimal that still explains, and each digit of it is a choice that a wrong
cause could have made too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log10

import numpy as np

from samestep.agreement.limits import COINCIDENCE, EXPLAINED, EXPLAINED_SIZE
from samestep.agreement.verdict import Diagnosis
from samestep.models.fitting.difference import Difference, Model
from samestep.models.fitting.families import FAMILIES, Family
from samestep.models.fitting.one_number import best_value, shortest
from samestep.models.fitting.resolution import Resolution, rms


@dataclass(frozen=True)
class Fitted(Diagnosis):
    """A likely mistake, the ``value`` of its number, and how much of the error it leaves.

    ``left`` is the share of the error, 0 to 1, in the Euclidean norm. ``certain``: what is left is rounding,
    and nothing else that was tried explains it as simply.
    """

    value: float | None = None
    left: float = 0.0
    certain: bool = False

    @property
    def is_cause(self) -> bool:
        """Whether it is certain, and a cause: which part of a tensor is wrong is none yet."""
        return self.certain and self.kind != "part"

    def __str__(self) -> str:
        if self.certain:
            return f"{self.text} (what is left is rounding)"
        return f"{self.text} (leaves {100 * self.left:.2g} % of the error)"


@dataclass(frozen=True)
class Explanation:
    """A family that explains a difference: ``digits`` were chosen for it, ``chance`` is its log10."""

    family: Family
    text: str
    value: float | None
    left: float
    is_rounding: bool
    digits: float
    chance: float

    def named(self, *rivals: Explanation, certain: bool = False) -> Fitted:
        """Return the diagnosis, with what else would explain the same."""
        text = "; or ".join(e.text for e in (self, *rivals))
        return Fitted(self.family.kind, text, self.value, self.left, certain)


def fit(difference: Difference, families: Sequence[Family] = FAMILIES) -> Fitted | None:
    """Return what the difference looks like; None where no family explains it, or it is only rounding."""
    if difference.got.shape != difference.expected.shape or not difference.got.size:
        return None
    difference = _in_double(difference)
    if not (_is_held(difference.got).all() and _is_held(difference.expected).all()):
        return _not_finite(difference)
    resolution = Resolution.of(difference)
    if resolution.is_rounding(difference.expected):
        return None
    explanations: list[Explanation] = []
    tried = 1
    with np.errstate(all="ignore"):
        for family in families:
            if family.applies(difference):
                try:
                    for model in family.models(difference):
                        tried += len(model.starts)
                        explanations += explain(resolution, family, model)
                except (ValueError, IndexError):  # its arrays do not fit together: no layer of this kind
                    continue
    return choose(explanations, log10(tried), difference.got.size)


def explain(resolution: Resolution, family: Family, model: Model) -> list[Explanation]:
    """Return what a model explains with its best number; nothing where it leaves too much."""
    if model.check is not None and not _agrees(resolution, model.check):
        return []
    value = best_value(resolution, model)
    if value is None:
        return []
    guess = model.tensor(value)
    left = rms(resolution.left_over(guess)) / rms(resolution.error)
    if not left <= EXPLAINED:
        return []
    digits, is_free = model.digits, model.free
    if is_free:
        value, more = shortest(value, model.own, lambda number: _is_rounding(resolution, model, number))
        guess, digits = model.tensor(value), digits + more
        left = rms(resolution.left_over(guess)) / rms(resolution.error)
    return [
        Explanation(
            family,
            model.say(value),
            value if is_free or len(model.starts) > 1 else None,
            left,
            _is_rounding(resolution, model, value),
            digits,
            -np.inf if model.describes else resolution.chance(guess) + digits,
        )
    ]


def choose(explanations: list[Explanation], tried: float, size: int) -> Fitted | None:
    """Return the simplest explanation that leaves rounding, else the one that leaves least.

    ``tried`` is the decimal logarithm of the number of guesses, ``size`` the tensor's.
    """
    likely = [e for e in explanations if e.chance + tried <= log10(EXPLAINED)]
    exact = [e for e in likely if e.is_rounding]
    kinds = {e.family.kind for e in exact}
    exact = [e for e in exact if e.digits < -log10(COINCIDENCE) or not kinds.intersection(e.family.covers)]
    if not exact:
        best = min(likely, key=lambda e: e.left, default=None)
        return best.named() if best and size >= EXPLAINED_SIZE else None
    simplest = min(exact, key=lambda e: e.digits)
    special = [
        e for e in exact if e.digits <= simplest.digits + 1 and simplest.family.kind in e.family.covers
    ]
    best = min(special, key=lambda e: e.digits, default=simplest)
    rivals = {
        e.family.kind: e
        for e in reversed(exact)
        if e.family.kind not in (best.family.kind, *best.family.covers)
        and e.digits < best.digits - log10(COINCIDENCE)
    }
    is_certain = not rivals and best.chance + tried <= log10(COINCIDENCE)
    return best.named(*reversed(rivals.values()), certain=is_certain)


def _double(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64, copy=False) if array.dtype.kind == "f" else array


def _in_double(d: Difference) -> Difference:
    """Return the difference with every floating array in float64."""
    return replace(
        d,
        inputs=tuple(_double(x) for x in d.inputs),
        parameters={name: p.astype(np.float64, copy=False) for name, p in d.parameters.items()},
        expected=_double(d.expected),
        got=_double(d.got),
        sigma=_double(d.sigma),
    )


def _is_rounding(resolution: Resolution, model: Model, value: float) -> bool:
    """Whether what the model leaves at ``value`` is rounding, that of the value itself included."""
    guess = model.tensor(value)
    if not np.isfinite(guess).all():
        return False
    moved = model.tensor(value * (1 + resolution.roundoff))
    return resolution.is_rounding(guess, moved - guess)


def _agrees(resolution: Resolution, own: np.ndarray) -> bool:
    """Whether a recomputed output is the reference's, to within rounding and far within the error."""
    if own.shape != resolution.error.shape:
        return False
    error = own - resolution.difference.expected
    if not np.isfinite(error).all() or rms(error) > EXPLAINED**2 * rms(resolution.error):
        return False
    return resolution.is_rounding(own + resolution.error)


def _is_held(array: np.ndarray) -> np.ndarray:
    """Where float32 holds the numbers: an exact run goes on where any other one overflows."""
    return np.asarray(np.abs(array) <= np.finfo(np.float32).max)


def _not_finite(difference: Difference) -> Fitted | None:
    """Say where the candidate is not finite and the reference is, or the other way round."""
    got, expected = _is_held(difference.got), _is_held(difference.expected)
    lost, kept = int((expected & ~got).sum()), int((~expected & got).sum())
    if not lost and not kept:
        return None
    words = f"{lost} elements are NaN or infinite where the reference's are finite"
    if not lost:
        words = f"{kept} elements are finite where the reference's are NaN or infinite"
    return Fitted("nonfinite", f"{words}, of {got.size}")
