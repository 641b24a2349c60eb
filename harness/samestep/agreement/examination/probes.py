"""Probes: inputs on which rounding plays no part, or which ordinary data never reach.

All correct code agrees there. Each probe raises `samestep.agreement.verdict.Disagreement` or `Invalid` where
a candidate fails it. A spec names the probes that suit its workload; departures are declared, see
`samestep.agreement.examination.departures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from samestep.agreement.arithmetic.low_precision import ROOM
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.not_finite import nan, nan_parameter, overflow
from samestep.agreement.examination.probe_run import ProbeRun, change_floats
from samestep.agreement.examination.tensor_check import check_tensor
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
    """Inputs from -1, 0, 1, so few that no sum exceeds 2^24: in any order all bits are the same.

    Only what the reference rounds nowhere is asked: a mean divides, and so does an optimiser's step.
    """
    candidate, why, parts = sparse_integers(run, 1), "", {}
    for task in [*run.evaluations, *([run.leading] if run.leading else [])]:
        found, seen = run.exactness(task, candidate.point)
        parts[task] = found.state if task == run.leading and run.evaluations else found.all
        why = why or (seen.rounded and f"the reference rounds ({seen.rounded})")
    exact = {task: {n: a.is_exact for n, a in found.items()} for task, found in parts.items()}
    masks = [(name, mask) for found in exact.values() for name, mask in found.items()]
    asked = any(mask.any() for _, mask in masks)
    rounded = [name if not mask.any() else f"some of {name}" for name, mask in masks if not mask.all()]
    run.leave_out("integers", rounded, why, asked)
    for place, got in run.outputs(candidate) if asked else ():
        run.check_exact(place, got, exact[place.task], candidate.point, "integers")
    if run.leading and any(mask.any() for mask in exact[run.leading].values()):
        place, got = run.params_after_step(candidate)
        run.check_exact(place, got, exact[place.task], candidate.point, "integers")


def sparse_integers(run: ProbeRun, seed: int) -> Candidate:
    """Return the candidate on inputs from -1, 0 and 1, in the case's shapes and its dtype."""
    rng = np.random.default_rng(seed)
    arrays = [*run.candidate.params.values(), *run.candidate.arrays.values()]
    longest = max(max(array.shape, default=1) for array in arrays)
    density = min(0.5, 2 / longest**0.5)

    def draw(array: np.ndarray) -> np.ndarray:
        return rng.choice([-1.0, 0.0, 1.0], array.shape, p=[density / 2, 1 - density, density / 2])

    numbers, rate = run.candidate.numbers, run.candidate.spec.rate
    return run.candidate.on(run.inputs(draw, draw), {**numbers, **({rate: RATE} if rate in numbers else {})})


def powers_of_two(run: ProbeRun) -> None:
    """Inputs times 2^k: outputs times 2^k, losses and gradients times 4^k, to the last bit.

    It finds what only very large or very small numbers meet: clips, caps, thresholds, an eps, a cast to half
    precision.
    """
    scales = [k for k in SCALES if _in_range(run, k)]
    powers = {task: _powers(run, task, scales) for task in run.evaluations or [run.leading]}
    others = [name for found in powers.values() for name, power in found.items() if power is None]
    asked = any(power is not None for found in powers.values() for power in found.values())
    run.leave_out("powers_of_two", others, "the reference does not scale with its inputs", asked)
    if not scales:
        run.leave_out("powers_of_two", powers, "something over- or underflows at every scale", False)
    plain = {place.task: got for place, got in run.outputs(run.candidate)} if asked else {}
    for k in scales if asked else ():
        scaled = run.candidate.on(run.inputs(_unchanged, partial(_times_power_of_two, k)))
        for place, got in run.outputs(scaled):
            scaling = {n: power for n, power in powers[place.task].items() if power is not None}
            expected = {n: np.ldexp(a, k * scaling[n]) for n, a in plain[place.task].items() if n in scaling}
            kept = {name: got[name] for name in expected}
            run.check_identical(place, kept, expected, f"powers of two (2^{k})")


def _unchanged(array: np.ndarray) -> np.ndarray:
    return array


def _times_power_of_two(k: int, array: np.ndarray) -> np.ndarray:
    return np.asarray(np.ldexp(array, k))


def _powers(run: ProbeRun, task: str, scales: Sequence[int]) -> dict[str, int | None]:
    """The power of the inputs with which each tensor of the reference grows; None where it does not."""
    before, found = run.exact(task, run.candidate.point).all, {}
    after = {k: run.exact(task, _point_at_scale(run, k)).all for k in (1, *scales)}
    for name, value in before.items():
        power = _power(value, after[1][name])
        expected = {k: np.ldexp(value, k * power) for k in after} if power is not None else {}
        scales_so = all(np.array_equal(e, after[k][name], equal_nan=True) for k, e in expected.items())
        found[name] = power if scales_so else None
    return found


def _power(before: np.ndarray, after: np.ndarray) -> int | None:
    if before.dtype.kind != "f":
        return None
    largest = np.unravel_index(np.abs(before).argmax(), before.shape)
    if not before[largest]:
        return 0
    mantissa, exponent = np.frexp(after[largest] / before[largest])
    return int(exponent) - 1 if mantissa == 1 / 2 else None


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

    Where the reference has 0 that nothing on the way rounds, correct code has nothing else.
    """
    names = run.candidate.spec.differentiated(run.candidate.params)
    zeros = np.zeros_like(run.candidate.params[names[0]])
    zeros.reshape(-1)[::2] *= -1
    candidate = run.candidate.on(Inputs({**run.candidate.params, names[0]: zeros}, run.candidate.arrays))
    tasks = [*run.evaluations, *([run.leading] if run.leading else [])]
    found = {task: run.exactness(task, candidate.point) for task in tasks}
    if not any(seen.tied for _, seen in found.values()):
        run.leave_out(
            "ties", tasks, f"no comparison of the reference meets a tie where {names[0]} is 0", False
        )
        return
    zero = {task: {n: a.is_exact & (a.value == 0) for n, a in all_of.all.items()}
            for task, (all_of, _) in found.items()}  # fmt: skip
    for place, got in run.outputs(candidate):
        run.check_exact(place, got, _whole(zero[place.task]), candidate.point, "ties")
    if run.leading:
        place, got = run.params_after_step(candidate)
        kept = {names[0]: got[names[0]]}
        run.check_exact(place, kept, _whole(zero[place.task]), candidate.point, "ties")


def _whole(masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The masks that hold everywhere; the others nowhere."""
    return {name: np.full(mask.shape, mask.all()) for name, mask in masks.items()}


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
