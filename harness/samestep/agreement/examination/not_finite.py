"""Probes with NaN and with overflow: what cannot be finite must not be made finite.

Frameworks differ in what NaN does at a gate: `torch.relu` and a mask let the gradient pass, `where` and XLA
do not. So which gradients become NaN is a convention; but some do under every one. To find those the
reference is run twice more, with each comparison of a number that may not be finite decided one way and then
the other (`samestep.agreement.arithmetic.low_precision.COMPARED_AS`). A closed gate puts 0 in the place of a
gradient, and everything after it is linear in the gradients, where 0 * NaN is NaN: the more gates are open
the more is NaN, so what is NaN with all of them closed is NaN under every convention between. The other run
is there for references that write their gates the other way round. After an overflow nothing is finite that
the certificate puts beyond the largest number of the candidate's dtype, if neither run changes it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.low_precision import COMPARED_AS
from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.probe_run import ProbeRun
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.examination.tensor_statistics import index_of_largest
from samestep.agreement.limits import reference_share
from samestep.agreement.reference.run import Point
from samestep.agreement.verdict import Disagreement, Divergence, Invalid
from samestep.spec import Inputs


def nan(run: ProbeRun) -> None:
    """One NaN in the input reaches the outputs and the loss that it reaches mathematically, and no other.

    It also reaches the gradients, params and optimiser state that it reaches under every convention.
    """
    poisoned = _poisoned(run)
    if poisoned:
        arrays = {**run.candidate.arrays, **poisoned}
        _check_nan(run, run.candidate.on(Inputs(run.candidate.params, arrays)), "nan")
    else:
        run.leave_out("nan", run.candidate.arrays, "its input holds integers", False)


def nan_parameter(run: ProbeRun) -> None:
    """The same with one NaN in the last param: it reaches all tasks, also those that read integers."""
    names = run.candidate.spec.differentiated(run.candidate.params)
    if names:
        params = {**run.candidate.params, names[-1]: _with_nan(run.candidate.params[names[-1]])}
        _check_nan(run, run.candidate.on(Inputs(params, run.candidate.arrays)), "nan_parameter")


def _poisoned(run: ProbeRun) -> Values:
    """NaN as the first element of a network's input; where nothing trains, of every floating array."""
    names = list(run.candidate.arrays)
    if run.leading:
        task = run.evaluations[-1] if run.evaluations else run.leading
        task = "loss_and_grads" if task == "trace" else task  # they get the same
        names = [name for name in run.candidate.spec.tasks[task].inputs if name in run.candidate.arrays][:1]
    arrays = {name: run.candidate.arrays[name] for name in names}
    return {name: _with_nan(array) for name, array in arrays.items() if array.dtype.kind == "f"}


def _with_nan(array: np.ndarray) -> np.ndarray:
    poisoned = array.copy()
    poisoned[(0,) * array.ndim] = np.nan
    return poisoned


def _check_nan(run: ProbeRun, candidate: Candidate, probe: str) -> None:
    """Compare outputs with the reference's, and all else with what is NaN under every convention."""
    why = f"one NaN in {'the last param' if probe == 'nan_parameter' else 'the input'}; probe {probe}"
    for place, got in run.outputs(candidate):
        expected, never = never_finite(run, place.task, candidate.point)
        for name, value in got.items():
            if not name.startswith("grad_"):
                _check_shape(place, name, value, expected[name], why)
                wrong = np.isnan(value) != np.isnan(expected[name])
                _raise_first(place, name, wrong, value, expected[name], why)
        _check_not_finite(place, candidate.params, got, expected, never, why)
    for place, got in run.steps(candidate):
        expected, never = never_finite(run, place.task, candidate.point)
        _check_not_finite(place, candidate.params, got, expected, never, why)


def never_finite(run: ProbeRun, task: str, point: Point) -> tuple[Values, Values]:
    """Return what the reference gives, and masks of the elements that no convention makes finite."""
    exact = run.exact(task, point).all
    others = [run.with_arithmetic(task, point, name) for name in COMPARED_AS]
    never = {
        name: ~np.isfinite(value) & np.all([~np.isfinite(other[name]) for other in others], axis=0)
        for name, value in exact.items()
    }
    return exact, never


# -- overflow --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scaling:
    """The powers of two by which inputs, targets, the first params and the rate are scaled."""

    inputs: int
    targets: int = 0
    first: int = 0
    rate: int = 0


#: Each keeps what is compared, and what exp meets, in range, and sends gradients out of it, or what is made
#: of them. In a network of matmul and relu everything may grow, and where an input is squared it less. Else
#: the net inputs stay as they are, and gradients grow with the targets; or, where a softmax or a sigmoid
#: bounds what they start from, updates with the rate, and their squares by themselves.
SCALINGS = (
    Scaling(inputs=90, targets=90),
    Scaling(inputs=45, targets=90),
    Scaling(inputs=90, targets=90, first=-90),
    Scaling(inputs=90, first=-90, rate=60),
)


def overflow(run: ProbeRun) -> None:
    """Inputs so large that gradients overflow in float32: they must not be finite, nor what they update.

    In float64, where no wider arithmetic tells what is beyond its range, nothing is asked.
    """
    largest = float(np.finfo(run.candidate.settings.dtype).max)
    if largest == np.finfo(np.float64).max:
        return
    candidate = overflowing(run, largest)
    tasks = [*run.evaluations, *run.training]
    found = {task: beyond(run, task, candidate.point, largest) for task in tasks}
    if not any(mask.any() for _, never in found.values() for mask in never.values()):
        run.leave_out(
            "overflow", tasks, "nothing of the reference is sure to overflow on scaled inputs", False
        )
        return
    for place, got in itertools.chain(run.outputs(candidate), run.steps(candidate)):
        expected, never = found[place.task]
        _check_not_finite(place, candidate.params, got, expected, never, "too large; probe overflow")


def overflowing(run: ProbeRun, largest: float) -> Candidate:
    """Return the candidate on the first of the scaled inputs from which a step leads beyond ``largest``.

    Where nothing trains, on the first of all; where no step does, on its own.
    """
    for scaling in SCALINGS:
        candidate = _scaled(run, scaling)
        if not run.leading or _overflows(run, candidate.point, largest):
            return candidate
    return run.candidate


def _overflows(run: ProbeRun, point: Point, largest: float) -> bool:
    """Whether a step leads beyond ``largest``, in the params or in what the optimiser keeps."""
    _, never = beyond(run, run.leading, point, largest)
    outputs = run.candidate.spec.tasks[run.leading].outputs
    return any(mask.any() for name, mask in never.items() if name not in outputs)


def _scaled(run: ProbeRun, scaling: Scaling) -> Candidate:
    """The candidate on scaled inputs; probabilities and integers stay as they are."""
    candidate, spec = run.candidate, run.candidate.spec
    names = [spec.tasks[task].inputs for task in ("forward", "loss_and_grads") if task in spec.tasks]
    inputs = names[0][:1] if names else [*candidate.arrays]
    targets = set(names[-1]) - set(names[0]) if names else set()
    arrays = dict(candidate.arrays)
    for chosen, power in ((inputs, scaling.inputs), (targets, scaling.targets)):
        floats = [name for name in chosen if name in arrays and arrays[name].dtype.kind == "f"]
        arrays |= {name: np.ldexp(arrays[name], power) for name in floats if name not in spec.probabilities}
    first = spec.differentiated(candidate.params)[:1]
    params = candidate.params | {name: np.ldexp(candidate.params[name], scaling.first) for name in first}
    numbers = dict(candidate.numbers)
    if spec.rate in numbers:
        numbers[spec.rate] *= 2.0**scaling.rate
    return candidate.on(Inputs(params, arrays), numbers)


def _exceeding(run: ProbeRun, task: str, point: Point, largest: float) -> Values:
    """Which elements are beyond ``largest`` in the reference, and are the same in both arithmetics."""
    above, below = [run.with_arithmetic(task, point, name) for name in COMPARED_AS]
    return {name: (np.abs(value) > largest) & (value == below[name]) for name, value in above.items()}


def beyond(run: ProbeRun, task: str, point: Point, largest: float) -> tuple[Values, Values]:
    """Return what the reference gives, and masks of what exceeds ``largest`` by more than any rounding."""
    bounds = run.reference.bounds(task, run.reference.first_steps(task, point)).all
    exact, never = run.exact(task, point).all, {}
    for name, mask in _exceeding(run, task, point, largest).items():
        bound = bounds[name].bound * reference_share(bounds[name].precision)
        never[name] = mask & (np.abs(exact[name]) - bound > largest)
    return exact, never


# -- comparison ------------------------------------------------------------------------------------------


def _check_not_finite(
    place: Place, before: Values, got: Values, expected: Values, never: Values, why: str
) -> None:
    """Whether what cannot be finite is not. Raises `Disagreement` at the first element that is."""
    for name, value in got.items():
        if value.dtype.kind != "f":
            continue
        _check_shape(place, name, value, expected[name], why)
        finite = never[name] & np.isfinite(value)
        stays = name in before and bool(np.array_equal(value[finite], before[name][finite]))
        about = f"as before the step; {why}" if stays else why
        _raise_first(place, name, finite, value, expected[name], about)


def _raise_first(
    place: Place, name: str, wrong: np.ndarray, got: np.ndarray, expected: np.ndarray, why: str
) -> None:
    if not wrong.any():
        return
    index = index_of_largest(wrong)
    was, now = float(expected[index]), float(got[index])
    test = why.rpartition("; ")[2]
    found = Divergence(0, place.task, name, index, now, was, float("nan"), 0.0, test)
    where = f"{place.task}, step 0: {name}{list(index)}"
    raise Disagreement(found, f"{where} is {now:.9g}, expected {was:.9g} ({why})")


def _check_shape(place: Place, name: str, got: np.ndarray, expected: np.ndarray, why: str) -> None:
    if got.shape != expected.shape:
        raise Invalid(f"{why}: {place.task}: {name} has shape {got.shape}, expected {expected.shape}")
