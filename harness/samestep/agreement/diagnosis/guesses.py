"""What could have been done wrong, each as the tensor that would have come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.low_precision import PRODUCTS
from samestep.agreement.limits import EXPLAINED
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.reference.run import Point, Reference
from samestep.spec import Case

Values = Mapping[str, np.ndarray]
Guess = tuple[str, str, np.ndarray]  # kind, words, tensor


@dataclass(frozen=True)
class Scene:
    """The tensor that is wrong, and what is known of where it comes from."""

    reference: Reference
    case: Case
    expectation: Expectation
    tensor: str
    got: np.ndarray
    expected: np.ndarray
    first: Values  # what the candidate gave at step 0

    @property
    def point(self) -> Point:
        losses = self.expectation.exact.all.get("losses")
        steps = 1 if losses is None else len(losses)
        return self.reference.first(self.expectation.task, self.expectation.point, steps)

    @property
    def axes(self) -> Mapping[str, str]:
        """The letters of every array's axes."""
        return self.reference.spec.axes(self.case)

    @property
    def before(self) -> np.ndarray | None:
        """The param that the step moved; None of what is no param."""
        params = self.expectation.point.params
        if self.tensor not in self.expectation.exact.state or self.tensor not in params:
            return None
        return np.asarray(params[self.tensor], np.float64)

    def at(self, point: Point) -> np.ndarray | None:
        """The reference's tensor at another point; None where it takes no such batch."""
        try:
            guess = np.asarray(self.reference.exact(self.expectation.task, point).all[self.tensor])
        except (ValueError, IndexError):
            return None
        return guess if guess.shape == self.got.shape else None


def stale(scene: Scene) -> Iterator[Guess]:
    if scene.before is not None and np.array_equal(scene.got, scene.before):
        yield "stale", f"{scene.tensor} does not move", scene.before
    was = scene.first.get(scene.tensor)
    if was is None or was.shape != scene.got.shape or was is scene.got:
        return
    yield "stale", f"{scene.tensor} is that of the first step", was
    if scene.before is None:
        yield "stale", f"{scene.tensor} is added to that of the step before", scene.expected + was


def other_inputs(scene: Scene) -> Iterator[Guess]:
    """The batch as it might have been taken."""
    axes, point = scene.axes, scene.point
    used = point.arrays
    rows = {n: axes[n].index("n") for n in used if "n" in axes.get(n, "")}
    rows |= {n: axes[n].index("r") for n in used if "r" in axes.get(n, "")}
    for name, cut in (("last", slice(None, -1)), ("first", slice(1, None))):
        arrays = {n: np.moveaxis(np.moveaxis(used[n], axis, 0)[cut], 0, axis) for n, axis in rows.items()}
        guess = scene.at(replace(point, arrays={**used, **arrays}))
        if guess is not None:
            yield "missing row", f"the {name} row of the batch is left out", guess
    for name in ("y", "labels"):
        if name in used:
            for shift in (1, -1):
                moved = {**used, name: np.roll(used[name], shift, axis=0)}
                guess = scene.at(replace(point, arrays=moved))
                if guess is not None:
                    yield "targets", f"{name} is shifted by a row", guess
    if "order" in used:
        everything = np.arange(point.arrays["order"].size, dtype=used["order"].dtype)
        guess = scene.at(replace(point, arrays={**used, "order": everything.reshape(used["order"].shape)}))
        if guess is not None:
            yield "data", "the order is ignored: the batches are taken as they lie", guess


def updated(scene: Scene) -> Iterator[Guess]:
    """Gradients or a loss at weights that have already moved."""
    task, point = scene.expectation.task, scene.point
    if not scene.expectation.exact.state:
        return
    new = scene.expectation.exact.state
    moved = {n: new[n] for n in point.params if n in new}
    if scene.tensor in ("loss", "losses"):
        guess = scene.at(point.at({**point.params, **moved}))
        if guess is not None:
            yield "updated weights", f"{scene.tensor} is taken after the update", guess
    for other in moved:
        if other != scene.tensor and scene.before is not None:
            outcome = scene.reference.exact(task, point.at({**point.params, other: moved[other]}))
            yield (
                "updated weights",
                f"{scene.tensor}'s gradient is taken at the updated {other}",
                np.asarray(outcome.state[scene.tensor]),
            )


def factors(scene: Scene) -> Iterator[Guess]:
    """A constant factor on the tensor, or on what the step changed."""
    before = 0.0 if scene.before is None else scene.before
    change, wanted = scene.got - before, scene.expected - before
    length = float(np.square(wanted).sum())
    if not length or scene.got.size == 1:
        yield from _single(scene)
        return
    factor = float((change * wanted).sum()) / length
    what = "the update" if scene.before is not None else scene.tensor
    kind = "rate" if scene.before is not None else "factor"
    named = _known(scene, factor)
    if named:
        yield *named, before + factor * wanted
    if abs(factor - 1) < 1 / 10:
        words = f"{what} is off by {factor - 1:+.2g} of itself"
    else:
        words = f"{what} is {factor:.4g} times what it should be"
    yield kind, words, before + factor * wanted


def _single(scene: Scene) -> Iterator[Guess]:
    """A single number has some factor always: only those that have a name."""
    factor = float(scene.got.reshape(-1)[0] / scene.expected.reshape(-1)[0]) if scene.expected.all() else 0.0
    named = _known(scene, factor)
    if named:
        yield *named, scene.got
    for nice in (2.0, 0.5, -1.0):
        if _near(factor, nice):
            yield "factor", f"{scene.tensor} is {nice:g} times what it should be", nice * scene.expected


def _known(scene: Scene, factor: float) -> tuple[str, str] | None:
    """Factors that have a name: a mean for a sum, and what the optimisers' numbers make."""
    numbers, task = scene.point.numbers, scene.expectation.task
    axes = scene.axes
    rows = {a.shape[axes[n].index("n")] for n, a in scene.point.arrays.items() if "n" in axes.get(n, "")}
    counts = rows | {a.size for n, a in scene.point.arrays.items() if n == "y"}
    for count in counts - {1}:
        if _near(factor, 1 / count):
            return "mean", f"{scene.tensor} is a mean over {count}, where it should be a sum"
        if _near(factor, count):
            return "mean", f"{scene.tensor} is a sum over {count}, where it should be a mean"
    if _near(factor, -1):
        return ("rate" if scene.before is not None else "factor"), "the sign is swapped"
    if scene.before is not None and task == "momentum_step":
        mu = float(numbers["momentum"])
        if _near(factor, 1 - mu):
            return "optimiser", "the gradient is dampened by 1 - momentum"
        if _near(factor, 1 + mu):
            return "optimiser", "Nesterov's momentum"
    if scene.before is not None and task == "adam_step":
        bias = (1 - float(numbers["beta1"])) / (1 - float(numbers["beta2"])) ** 0.5
        if abs(factor / bias - 1) < EXPLAINED:
            return "optimiser", "the moments are not corrected for their bias"
    return None


def _near(factor: float, value: float) -> bool:
    return abs(factor - value) < EXPLAINED**4 * abs(value)


def decayed(scene: Scene) -> Iterator[Guess]:
    if scene.before is None or scene.got.size == 1:
        return
    length = float(np.square(scene.before).sum())
    if length:
        decay = float(((scene.got - scene.expected) * scene.before).sum()) / length
        words = f"{scene.tensor} also decays, by {-decay:.2g} of itself a step"
        yield "decay", words, scene.expected + decay * scene.before


def rearranged(scene: Scene) -> Iterator[Guess]:
    got, expected = scene.got, scene.expected
    if expected.ndim == 2 and expected.shape[0] == expected.shape[1]:
        yield "transposed", f"{scene.tensor} is transposed", expected.T
    if not expected.ndim or max(expected.size, max(expected.shape) ** 2) > 10**7:
        return
    for axis, what in ((0, "rows"), (1, "columns"))[: expected.ndim]:
        order = _matching(np.moveaxis(got, axis, 0), np.moveaxis(expected, axis, 0))
        if order is not None:
            yield "order", f"the {what} of {scene.tensor} are in another order", expected.take(order, axis)
    for shift in (1, -1):
        yield (
            "order",
            f"{scene.tensor} is shifted by one",
            np.roll(expected.reshape(-1), shift).reshape(expected.shape),
        )


def _matching(got: np.ndarray, expected: np.ndarray) -> np.ndarray | None:
    """For each row of ``got`` the row of ``expected`` that it is nearest to, if that is a reordering."""
    a, b = got.reshape(len(got), -1).astype(np.float64), expected.reshape(len(expected), -1)
    distance = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None, :] - 2 * a @ b.T
    order = distance.argmin(axis=1)
    return (
        order if len(set(order.tolist())) == len(order) and (order != np.arange(len(order))).any() else None
    )


def arithmetics(scene: Scene) -> Iterator[Guess]:
    """One of the matrix products done in another arithmetic."""
    if scene.reference.dtype != "float32" or scene.expected.size < 2:
        return
    for name in PRODUCTS:
        for only in range(scene.reference.products(scene.expectation.task, scene.point)):
            outcome = scene.reference.lowered(scene.expectation.task, scene.point, name, only)
            yield "precision", f"a matrix product is computed with {name}", outcome.all[scene.tensor]


def gates(scene: Scene) -> Iterator[Guess]:
    outcome = scene.reference.lowered(scene.expectation.task, scene.point, "gates open")
    yield "gate", "gradients pass where relu is closed", outcome.all[scene.tensor]


def single_element(scene: Scene) -> Iterator[Guess]:
    if scene.got.size <= 4:
        return
    error = np.abs(scene.got.astype(np.float64) - scene.expected)
    at = np.unravel_index(error.argmax(), error.shape)
    guess = scene.expected.copy()
    guess[at] = scene.got[at]
    yield "element", f"one element of {scene.tensor} is wrong, {[int(i) for i in at]}", guess


GUESSES: tuple[Callable[[Scene], Iterator[Guess]], ...] = (
    stale, single_element, other_inputs, updated, gates, decayed, rearranged, factors, arithmetics,
)  # fmt: skip
