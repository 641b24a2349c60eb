"""Inputs on which rounding plays no part, or which ordinary data never reach: there every honest code agrees.

A spec names the probes that suit its workload. A rung that is known to depart from one says so in its
``DEPARTS``; then it must fail that probe, since a footnote that is no longer true would mislead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place, identical, judged
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Outcome, Point
from samestep.agreement.verdict import Disagreement, Divergence, Invalid
from samestep.spec import Inputs

#: The step size of the integers probe: a power of two, so that the update rounds nothing.
RATE = 2.0**-10
SCALES = (12, -12, 40, -40)
LOGITS = 2.0**9


class Probed:
    """One candidate under the probes: what it gives, and what the reference gives, at other inputs."""

    def __init__(self, candidate: Candidate, expectations: Expectations, leading: str) -> None:
        self.candidate = candidate
        self.reference = expectations.reference
        self.expectations = expectations
        self.leading = leading
        # Where nothing trains, all tasks only look.
        looks = ("trace", "forward", "loss_and_grads") if leading else tuple(candidate.spec.tasks)
        self.looks = [task for task in looks if candidate.offers(task) and self.reference.offers(task)]

    def inputs(
        self, params: Callable[[np.ndarray], np.ndarray], arrays: Callable[[np.ndarray], np.ndarray]
    ) -> Inputs:
        """The case's inputs, with each floating param and array changed; probabilities stay what they are."""
        kept = self.candidate.spec.probabilities
        return Inputs(_changed(self.candidate.params, params), _changed(self.candidate.arrays, arrays, kept))

    def seen(self, candidate: Candidate) -> Iterator[tuple[Place, Values]]:
        """What each task gives that only looks; and, of a rung that has none, the first step."""
        for task in self.looks or [self.leading]:
            place = Place(0, task)
            state = candidate.adopt(candidate.params)
            if task == "trace":
                yield place, candidate.trace(place, state)
            else:
                yield place, candidate.run(place, state, steps=1)[0]

    def step(self, candidate: Candidate) -> tuple[Place, Values]:
        """The params after one step."""
        place = Place(0, self.leading)
        _, state = candidate.run(place, candidate.adopt(candidate.params), steps=1)
        return place, candidate.export(state)

    def exact(self, task: str, point: Point) -> Outcome:
        return self.reference.exact(task, self.reference.first(task, point))

    def identical(self, place: Place, got: Values, expected: Values, probe: str) -> None:
        for name, value in got.items():
            try:
                identical(place, name, value, expected[name], f"probe {probe}")
            except Invalid as broken:
                raise Invalid(f"probe {probe}: {broken}") from broken


def _changed(
    values: Mapping[str, np.ndarray], change: Callable[[np.ndarray], np.ndarray], kept: Collection[str] = ()
) -> Values:
    """Each floating array changed, but those ``kept``; integers as they are."""
    return {
        name: change(array) if array.dtype.kind == "f" and name not in kept else array
        for name, array in values.items()
    }


def integers(probed: Probed) -> None:
    """Inputs from -1, 0, 1, so few that no sum exceeds 2^24: in any order all bits are the same."""
    candidate = _sparse(probed, 1)
    for place, got in probed.seen(candidate):
        probed.identical(place, got, probed.exact(place.task, candidate.point).all, "integers")
    if probed.leading:
        place, got = probed.step(candidate)
        probed.identical(place, got, probed.exact(place.task, candidate.point).state, "integers")


def _sparse(probed: Probed, seed: int) -> Candidate:
    rng = np.random.default_rng(seed)
    arrays = [*probed.candidate.params.values(), *probed.candidate.arrays.values()]
    longest = max(max(array.shape, default=1) for array in arrays)
    density = min(0.5, 2 / longest**0.5)

    def draw(array: np.ndarray) -> np.ndarray:
        return rng.choice([-1.0, 0.0, 1.0], array.shape, p=[density / 2, 1 - density, density / 2])

    spec = probed.candidate.spec
    return probed.candidate.on(probed.inputs(draw, draw), {**probed.candidate.numbers, spec.rate: RATE})


def powers_of_two(probed: Probed) -> None:
    """Inputs times 2^k: outputs times 2^k, losses and gradients times 4^k, to the last bit.

    It finds what only very large or very small numbers meet: clips, caps, thresholds, an eps, a cast to half
    precision.
    """
    plain = {place.task: got for place, got in probed.seen(probed.candidate)}
    powers = {task: _powers(probed, task) for task in plain}
    for k in SCALES:
        if not _in_range(probed, k):
            continue
        scaled = probed.candidate.on(probed.inputs(_same, partial(_scaled, k)))
        for place, got in probed.seen(scaled):
            expected = {n: np.ldexp(a, k * powers[place.task][n]) for n, a in plain[place.task].items()}
            probed.identical(place, got, expected, f"powers of two (2^{k})")


def _same(array: np.ndarray) -> np.ndarray:
    return array


def _scaled(k: int, array: np.ndarray) -> np.ndarray:
    return np.asarray(np.ldexp(array, k))


def _powers(probed: Probed, task: str) -> dict[str, int]:
    """With which power of the inputs each tensor grows: asked of the reference, at twice the inputs."""
    before = probed.exact(task, probed.candidate.point).all
    after = probed.exact(task, _at_scale(probed, 1)).all
    return {name: _power(value, after[name]) for name, value in before.items()}


def _power(before: np.ndarray, after: np.ndarray) -> int:
    largest = np.unravel_index(np.abs(before).argmax(), before.shape)
    return int(np.rint(np.log2(after[largest] / before[largest]))) if before[largest] else 0


def _at_scale(probed: Probed, k: int) -> Point:
    """The candidate's point with its arrays times 2^k."""
    point, kept = probed.candidate.point, probed.candidate.spec.probabilities
    return replace(point, arrays=_changed(point.arrays, partial(_scaled, k), kept))


def _in_range(probed: Probed, k: int) -> bool:
    """Whether nothing over- or underflows on the way, products of small numbers included."""
    scaled = _at_scale(probed, k)
    limits = np.finfo(probed.candidate.settings.dtype)
    tasks = ["trace"] if probed.reference.offers("trace") else probed.looks
    tensors = [tensor for task in tasks for tensor in probed.exact(task, scaled).all.values()]
    values = np.concatenate([np.abs(tensor).ravel() for tensor in tensors])
    values = values[values > 0]
    room = 2.0**20
    return bool(values.size) and values.min() > limits.tiny * room and values.max() < limits.max / room


def nan(probed: Probed) -> None:
    """One NaN in the input reaches the outputs and the loss that it reaches mathematically, and no other."""
    poisoned = _poisoned(probed)
    if not poisoned:
        return
    inputs = Inputs(probed.candidate.params, {**probed.candidate.arrays, **poisoned})
    candidate = probed.candidate.on(inputs)
    for place, got in probed.seen(candidate):
        expected = probed.exact(place.task, candidate.point).all
        for name, value in got.items():
            if not name.startswith("grad_"):  # there honest frameworks differ
                _same_nans(place, name, value, expected[name])


def _poisoned(probed: Probed) -> Values:
    """NaN as the first element of a network's input; where nothing trains, of every floating array."""
    names = list(probed.candidate.arrays)
    if probed.leading:
        task = probed.looks[-1] if probed.looks else probed.leading
        names = [probed.candidate.spec.tasks[task].inputs[0]]
    found = {name: probed.candidate.arrays[name].copy() for name in names}
    found = {name: array for name, array in found.items() if array.dtype.kind == "f"}
    for array in found.values():
        array[(0,) * array.ndim] = np.nan
    return found


def _same_nans(place: Place, name: str, got: np.ndarray, expected: np.ndarray) -> None:
    if got.shape != expected.shape:
        raise Invalid(f"probe nan: {place.task}: {name} has shape {got.shape}, expected {expected.shape}")
    differ = np.isnan(got) != np.isnan(expected)
    if differ.any():
        index = tuple(int(i) for i in np.unravel_index(differ.argmax(), differ.shape))
        was, now = float(expected[index]), float(got[index])
        found = Divergence(0, place.task, name, index, now, was, float("nan"), 0.0, "probe nan")
        raise Disagreement(found, f"{place.task}, step 0: {name}{list(index)} is {now:.9g}, expected "
                                  f"{was:.9g} (one NaN in the input; probe nan)")  # fmt: skip


def ties(probed: Probed) -> None:
    """The first weights are 0, half of them -0, so all net inputs of the first layer are 0: relu'(0) decides.

    Where the reference's gradient is 0 everywhere, no honest code has anything else.
    """
    name = next(iter(probed.candidate.params))
    zeros = np.zeros_like(probed.candidate.params[name])
    zeros.reshape(-1)[::2] *= -1
    params = {**probed.candidate.params, name: zeros}
    candidate = probed.candidate.on(Inputs(params, probed.candidate.arrays))
    for place, got in probed.seen(candidate):
        expected = probed.exact(place.task, candidate.point).all
        for tensor, value in got.items():
            if not expected[tensor].any():
                identical(place, tensor, value, expected[tensor], "probe ties")
    if not probed.leading:
        return
    place, got = probed.step(candidate)
    expected = probed.exact(place.task, candidate.point).state
    if not expected[name].any():
        identical(place, name, got[name], expected[name], "probe ties")


def large_logits(probed: Probed) -> None:
    """Inputs times 2^9: a softmax without its maximum overflows, a clipped probability shows."""
    candidate = probed.candidate.on(probed.inputs(_same, lambda a: LOGITS * a))
    expectations = probed.expectations.moved("large logits", candidate.point)
    for place, got in probed.seen(candidate):
        expected = expectations.expect(place.task, candidate.point, probed.leading or place.task, 0)
        for name, value in got.items():
            try:
                judged(place, name, value, expected)
            except Disagreement as found:
                divergence = replace(found.divergence, test=f"probe large_logits: {found.divergence.test}")
                raise type(found)(divergence, got=found.got, expected=found.expected) from found
            except Invalid as broken:
                raise Invalid(f"probe large_logits: {broken}") from broken


PROBES: dict[str, Callable[[Probed], None]] = {
    "integers": integers,
    "powers_of_two": powers_of_two,
    "nan": nan,
    "ties": ties,
    "large_logits": large_logits,
}
