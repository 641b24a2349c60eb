"""Probes: inputs on which rounding plays no part, or which ordinary data never reach.

All correct code agrees there. Each probe raises `samestep.agreement.verdict.Disagreement` or `Invalid` where
a candidate fails it. A spec names the probes that suit its workload; departures are declared, see
`samestep.agreement.examination.departures`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from samestep.agreement.arithmetic.low_precision import ROOM
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.not_finite import nan, nan_parameter, overflow
from samestep.agreement.examination.probe_run import ProbeRun, change_floats
from samestep.agreement.examination.tensor_check import check_identical, check_tensor
from samestep.agreement.reference.run import Point
from samestep.agreement.verdict import Disagreement, Invalid
from samestep.spec import Inputs

#: The step size of the integers probe: a power of two, so that the update rounds nothing.
RATE = 2.0**-10
#: The powers of two that inputs are scaled by.
SCALES = (12, -12, 40, -40)
#: The factor that makes logits large.
LOGITS = 2.0**9


def integers(run: ProbeRun) -> None:
    """Inputs from -1, 0, 1, so few that no sum exceeds 2^24: in any order all bits are the same."""
    candidate = sparse_integers(run, 1)
    for place, got in run.outputs(candidate):
        run.check_identical(place, got, run.exact(place.task, candidate.point).all, "integers")
    if run.leading:
        place, got = run.params_after_step(candidate)
        run.check_identical(place, got, run.exact(place.task, candidate.point).state, "integers")


def sparse_integers(run: ProbeRun, seed: int) -> Candidate:
    """Return the candidate on inputs from -1, 0 and 1, in the case's shapes and its dtype."""
    rng = np.random.default_rng(seed)
    arrays = [*run.candidate.params.values(), *run.candidate.arrays.values()]
    longest = max(max(array.shape, default=1) for array in arrays)
    density = min(0.5, 2 / longest**0.5)

    def draw(array: np.ndarray) -> np.ndarray:
        return rng.choice([-1.0, 0.0, 1.0], array.shape, p=[density / 2, 1 - density, density / 2])

    spec = run.candidate.spec
    return run.candidate.on(run.inputs(draw, draw), {**run.candidate.numbers, spec.rate: RATE})


def powers_of_two(run: ProbeRun) -> None:
    """Inputs times 2^k: outputs times 2^k, losses and gradients times 4^k, to the last bit.

    It finds what only very large or very small numbers meet: clips, caps, thresholds, an eps, a cast to half
    precision.
    """
    plain = {place.task: got for place, got in run.outputs(run.candidate)}
    powers = {task: _powers(run, task) for task in plain}
    for k in SCALES:
        if not _in_range(run, k):
            continue
        scaled = run.candidate.on(run.inputs(_unchanged, partial(_times_power_of_two, k)))
        for place, got in run.outputs(scaled):
            expected = {n: np.ldexp(a, k * powers[place.task][n]) for n, a in plain[place.task].items()}
            run.check_identical(place, got, expected, f"powers of two (2^{k})")


def _unchanged(array: np.ndarray) -> np.ndarray:
    return array


def _times_power_of_two(k: int, array: np.ndarray) -> np.ndarray:
    return np.asarray(np.ldexp(array, k))


def _powers(run: ProbeRun, task: str) -> dict[str, int]:
    """The power of the inputs with which each tensor grows: the reference's, at twice the inputs."""
    before = run.exact(task, run.candidate.point).all
    after = run.exact(task, _point_at_scale(run, 1)).all
    return {name: _power(value, after[name]) for name, value in before.items()}


def _power(before: np.ndarray, after: np.ndarray) -> int:
    largest = np.unravel_index(np.abs(before).argmax(), before.shape)
    return int(np.rint(np.log2(after[largest] / before[largest]))) if before[largest] else 0


def _point_at_scale(run: ProbeRun, k: int) -> Point:
    """The candidate's point with its arrays times 2^k."""
    point, kept = run.candidate.point, run.candidate.spec.probabilities
    return replace(point, arrays=change_floats(point.arrays, partial(_times_power_of_two, k), kept))


def _in_range(run: ProbeRun, k: int) -> bool:
    """Whether nothing over- or underflows on the way, products of small numbers included."""
    scaled = _point_at_scale(run, k)
    limits = np.finfo(run.candidate.settings.dtype)
    tasks = ["trace"] if run.reference.offers("trace") else run.evaluations
    tensors = [tensor for task in tasks for tensor in run.exact(task, scaled).all.values()]
    values = np.concatenate([np.abs(tensor).ravel() for tensor in tensors])
    values = values[values > 0]
    return bool(values.size) and values.min() > limits.tiny * ROOM and values.max() < limits.max / ROOM


def ties(run: ProbeRun) -> None:
    """The first params are 0, half of them -0, so all net inputs of the first layer are 0: relu'(0) decides.

    Where the reference's gradient is 0 everywhere, correct code has nothing else.
    """
    name = next(iter(run.candidate.params))
    zeros = np.zeros_like(run.candidate.params[name])
    zeros.reshape(-1)[::2] *= -1
    params = {**run.candidate.params, name: zeros}
    candidate = run.candidate.on(Inputs(params, run.candidate.arrays))
    for place, got in run.outputs(candidate):
        expected = run.exact(place.task, candidate.point).all
        for tensor, value in got.items():
            if not expected[tensor].any():
                check_identical(place, tensor, value, expected[tensor], "probe ties")
    if not run.leading:
        return
    place, got = run.params_after_step(candidate)
    expected = run.exact(place.task, candidate.point).state
    if not expected[name].any():
        check_identical(place, name, got[name], expected[name], "probe ties")


def large_logits(run: ProbeRun) -> None:
    """Inputs times 2^9: a softmax without its maximum overflows, a clipped probability shows."""
    candidate = run.candidate.on(run.inputs(_unchanged, lambda a: LOGITS * a))
    expectations = run.expectations.perturbed("large logits", candidate.point)
    for place, got in run.outputs(candidate):
        expected = expectations.expect(place.task, candidate.point, run.leading or place.task, 0)
        for name, value in got.items():
            try:
                check_tensor(place, name, value, expected)
            except Disagreement as found:
                divergence = replace(found.divergence, test=f"probe large_logits: {found.divergence.test}")
                raise type(found)(divergence, got=found.got, expected=found.expected) from found
            except Invalid as broken:
                raise Invalid(f"probe large_logits: {broken}") from broken


PROBES: dict[str, Callable[[ProbeRun], None]] = {
    "integers": integers,
    "powers_of_two": powers_of_two,
    "nan": nan,
    "nan_parameter": nan_parameter,
    "overflow": overflow,
    "ties": ties,
    "large_logits": large_logits,
}
