"""Mistakes in losses and their gradients: label smoothing, ignored targets, a softmax too much, clipping."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, softmax

from samestep.agreement.limits import unit_roundoff
from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken
from samestep.models.fitting.resolution import rms

SMOOTHINGS = (0.0, 0.01, 0.05, 0.1, 0.2)


class CrossEntropy(NamedTuple):
    """A cross-entropy of logits (rows, classes) with hard targets (rows); ``kept`` says which rows count.

    ``divisor`` is what the sum is divided by; ``shape`` the logits' own where the gradient is asked for,
    else None.
    """

    logits: np.ndarray
    targets: np.ndarray
    kept: np.ndarray
    smoothing: float
    divisor: float
    shape: tuple[int, ...] | None
    spreads_to_others: bool = False

    def output(self) -> np.ndarray:
        """Return the loss, or its gradient with respect to the logits."""
        classes = self.logits.shape[1]
        others = self.smoothing / (classes - 1 if self.spreads_to_others else classes)
        wanted = np.full(self.logits.shape, others)
        at = (np.arange(len(wanted)), np.where(self.kept, self.targets, 0))
        wanted[at] = 1 - self.smoothing + (0.0 if self.spreads_to_others else others)
        if self.shape is None:
            each = -(wanted * log_softmax(self.logits, 1)).sum(1)
            return np.asarray((each * self.kept).sum() / self.divisor)
        gradient = (softmax(self.logits, 1) - wanted) * self.kept[:, None] / self.divisor
        return np.asarray(gradient.reshape(self.shape))


@lru_cache(maxsize=1)
def own_loss(d: Difference) -> CrossEntropy | None:
    """Return the cross-entropy that gives the reference's loss best; None where it is another loss."""
    if len(d.inputs) < 2 or not ("cross_entropy" in d.layer or "crossentropy" in d.layer):
        return None
    logits, targets = d.inputs[0], d.inputs[1]
    if targets.size * logits.shape[-1] != logits.size or not np.array_equal(targets, np.round(targets)):
        return None
    is_gradient = d.expected.shape == logits.shape and logits.ndim > 0
    if not is_gradient and d.expected.ndim:
        return None
    rows = logits.reshape(-1, logits.shape[-1])
    index, ignored = targets.reshape(-1).astype(np.int64), d.setting("ignore_index")
    kept = (index != (-100 if ignored is None else int(ignored))) & (index >= 0) & (index < rows.shape[1])
    said = d.setting("label_smoothing")  # a function of the caller's does not say it
    ways = [
        CrossEntropy(rows, index, kept, smoothing, count, logits.shape if is_gradient else None)
        for smoothing in (SMOOTHINGS if said is None else (said,))
        for count in (float(max(kept.sum(), 1)), float(len(rows)), 1.0)
    ]
    return min(ways, key=lambda way: rms(way.output() - d.expected))


def smoothing(d: Difference) -> Models:
    """Another label smoothing."""
    if (own := own_loss(d)) is None:
        return
    known = f"where the reference has {spoken(own.smoothing)}"
    for to_others, words in ((False, ""), (True, " over the other classes")):
        yield Model(
            lambda value, to_others=to_others: own._replace(  # type: ignore[misc]
                smoothing=value, spreads_to_others=to_others
            ).output(),
            lambda value, words=words: f"label smoothing is {spoken(_told(value))}{words}, {known}",  # type: ignore[misc]
            SMOOTHINGS,
            free=True,
            check=own.output(),
        )


def _told(smoothing: float) -> float:
    """The number, or 0 where 1 minus it is 1 in float32: it was fitted, and 0 comes out as 1e-15."""
    return 0.0 if abs(smoothing) < unit_roundoff(np.float32) else smoothing


def ignored(d: Difference) -> Models:
    """Ignored targets that are counted."""
    own = own_loss(d)
    if own is None or own.kept.all():
        return
    check, rows, kept = own.output(), len(own.kept), int(own.kept.sum())
    if own.divisor == kept:
        words = f"the mean counts {rows - kept} ignored targets: it is over {rows}, not {kept}"
        yield fixed(own._replace(divisor=float(rows)).output(), words, check=check)
    every = np.ones_like(own.kept)
    for index in (0, own.logits.shape[1] - 1):
        targets = np.where(own.kept, own.targets, index)
        counted = own._replace(kept=every, targets=targets, divisor=float(rows) if own.divisor > 1 else 1.0)
        yield fixed(counted.output(), f"ignored targets are taken for class {index}", check=check)


def probabilities(d: Difference) -> Models:
    """A softmax that is taken twice."""
    own = own_loss(d)
    if own is not None and own.shape is None:
        twice = own._replace(logits=softmax(own.logits, 1))
        words = "the softmax is taken twice: the loss gets probabilities where it wants logits"
        yield fixed(twice.output(), words, check=own.output())
