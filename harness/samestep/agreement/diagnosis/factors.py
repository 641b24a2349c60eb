"""Guesses that multiply: a constant factor on a tensor or on an update, with the name that the factor has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from samestep.agreement.diagnosis.mismatch import Guess, Mismatch
from samestep.agreement.limits import EXPLAINED


def constant_factor(mismatch: Mismatch) -> Iterator[Guess]:
    """Return a constant factor on the tensor, or on what the step changed."""
    before = 0.0 if mismatch.before is None else mismatch.before
    change, wanted = mismatch.got - before, mismatch.expected - before
    length = float(np.square(wanted).sum())
    if not length or mismatch.got.size == 1:
        yield from _factor_of_one_number(mismatch)
        return
    factor = float((change * wanted).sum()) / length
    what, kind = ("the update", "rate") if mismatch.before is not None else (mismatch.tensor, "factor")
    named = _known_factor(mismatch, factor)
    if named:
        yield Guess(*named, before + factor * wanted)
    if abs(factor - 1) < 1 / 10:
        words = f"{what} is off by {factor - 1:+.2g} of itself"
    else:
        words = f"{what} is {factor:.4g} times what it should be"
    yield Guess(kind, words, before + factor * wanted)


def _factor_of_one_number(mismatch: Mismatch) -> Iterator[Guess]:
    """A single number always has some factor: only those that have a name."""
    got, expected = mismatch.got, mismatch.expected
    factor = float(got.reshape(-1)[0] / expected.reshape(-1)[0]) if expected.all() else 0.0
    named = _known_factor(mismatch, factor)
    if named:
        yield Guess(*named, got)
    for nice in (2.0, 0.5, -1.0):
        if _near(factor, nice):
            yield Guess("factor", f"{mismatch.tensor} is {nice:g} times what it should be", nice * expected)


def _known_factor(mismatch: Mismatch, factor: float) -> tuple[str, str] | None:
    """The kind and the words of a factor that has a name: a mean for a sum, a sign, an optimiser's number."""
    axes, arrays = mismatch.axes, mismatch.point.arrays
    rows = {a.shape[axes[n].index("n")] for n, a in arrays.items() if "n" in axes.get(n, "")}
    counts = rows | {a.size for n, a in arrays.items() if n == "y"}
    for count in counts - {1}:
        if _near(factor, 1 / count):
            return "mean", f"{mismatch.tensor} is a mean over {count}, where it should be a sum"
        if _near(factor, count):
            return "mean", f"{mismatch.tensor} is a sum over {count}, where it should be a mean"
    if _near(factor, -1):
        return ("rate" if mismatch.before is not None else "factor"), "the sign is swapped"
    return None if mismatch.before is None else _optimiser_factor(mismatch, factor)


def _optimiser_factor(mismatch: Mismatch, factor: float) -> tuple[str, str] | None:
    numbers, task = mismatch.point.numbers, mismatch.expectation.task
    if task == "momentum_step":
        mu = float(numbers["momentum"])
        if _near(factor, 1 - mu):
            return "optimiser", "the gradient is dampened by 1 - momentum"
        if _near(factor, 1 + mu):
            return "optimiser", "Nesterov's momentum"
    if task == "adam_step":
        bias = (1 - float(numbers["beta1"])) / (1 - float(numbers["beta2"])) ** 0.5
        if abs(factor / bias - 1) < EXPLAINED:
            return "optimiser", "the moments are not corrected for their bias"
    return None


def _near(factor: float, value: float) -> bool:
    return abs(factor - value) < EXPLAINED**4 * abs(value)


def weight_decay(mismatch: Mismatch) -> Iterator[Guess]:
    """Return a decay of the param by a constant share of itself."""
    if mismatch.before is None or mismatch.got.size == 1:
        return
    length = float(np.square(mismatch.before).sum())
    if length:
        decay = float(((mismatch.got - mismatch.expected) * mismatch.before).sum()) / length
        words = f"{mismatch.tensor} also decays, by {-decay:.2g} of itself a step"
        yield Guess("decay", words, mismatch.expected + decay * mismatch.before)
