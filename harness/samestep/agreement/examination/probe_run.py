"""One candidate on the inputs of a probe: what it gives there, and what the reference gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np

from samestep.agreement.arithmetic.exactness import Exactness, Seen
from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place, check_identical
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Outcome, Point
from samestep.agreement.verdict import Invalid
from samestep.spec import Inputs

Change = Callable[[np.ndarray], np.ndarray]


class ProbeRun:
    """A candidate, the reference, and the tasks that a probe calls.

    ``leading`` is the training task whose steps are compared, "" where nothing trains; ``evaluations`` are
    the tasks that do not change the state, of which one that trains has three; ``training`` are all tasks
    that train. ``left_out`` says of each probe, in one line, what it did not ask and why: what the exact
    reference does not have there cannot be asked of an implementation.
    """

    def __init__(self, candidate: Candidate, expectations: Expectations, leading: str) -> None:
        self.candidate = candidate
        self.reference = expectations.reference
        self.expectations = expectations
        self.leading = leading
        self.left_out: dict[str, str] = {}
        tasks = ("trace", "forward", "loss_and_grads") if leading else tuple(candidate.spec.tasks)
        self.evaluations = [t for t in tasks if candidate.offers(t) and self.reference.offers(t)]
        self.training = [t for t in candidate.training_tasks() if self.reference.offers(t)]

    def inputs(self, params: Change, arrays: Change) -> Inputs:
        """Return the case's inputs with each floating param and array changed, but probabilities and state.

        A running variance that is drawn from -1, 0 and 1 is none.
        """
        candidate, spec = self.candidate, self.candidate.spec
        return Inputs(
            change_floats(candidate.params, params, spec.state),
            change_floats(candidate.arrays, arrays, spec.probabilities),
        )

    def leave_out(self, probe: str, tensors: Collection[str], why: str, asked: bool) -> None:
        """Note that a probe does not suit some tensors; or any, if nothing is ``asked``."""
        if tensors:
            names = ", ".join(dict.fromkeys(tensors))
            what = f"leaves out {names}" if asked else "does not suit"
            self.left_out[probe] = f"probe {probe} {what}: {why}"

    def outputs(self, candidate: Candidate) -> Iterator[tuple[Place, Values]]:
        """Return what each evaluation gives; where there is none, what the first step does."""
        for task in self.evaluations or [self.leading]:
            place = Place(0, task)
            state = candidate.adopt(candidate.params)
            if task == "trace":
                yield place, candidate.trace(place, state)
            else:
                yield place, candidate.run(place, state, steps=1)[0]

    def steps(self, candidate: Candidate) -> Iterator[tuple[Place, Values]]:
        """Return what one step of each training task gives: its outputs and the new state."""
        for task in self.training:
            place = Place(0, task)
            outputs, state = candidate.run(place, candidate.adopt(candidate.params), steps=1)
            yield place, {**outputs, **candidate.export(state)}

    def params_after_step(self, candidate: Candidate) -> tuple[Place, Values]:
        """Return the params after one step of the leading task."""
        place = Place(0, self.leading)
        _, state = candidate.run(place, candidate.adopt(candidate.params), steps=1)
        return place, candidate.export(state)

    def exact(self, task: str, point: Point) -> Outcome[np.ndarray]:
        """Return what the reference gives in float64, in one step."""
        return self.reference.exact(task, self.reference.first_steps(task, point))

    def exactness(self, task: str, point: Point) -> tuple[Outcome[Exactness], Seen]:
        """Return which elements of one step of a task nothing rounds, and what was met on the way."""
        return self.reference.exactness(task, self.reference.first_steps(task, point))

    def check_exact(
        self, place: Place, got: Values, exact: Mapping[str, np.ndarray], point: Point, probe: str
    ) -> None:
        """Compare bit for bit what the masks ``exact`` name. Raises as `check_identical` does."""
        expected = self.exact(place.task, point).all
        asked = {name: value for name, value in got.items() if exact[name].any()}
        fit = {name: value.shape == exact[name].shape for name, value in asked.items()}
        kept = {n: np.where(exact[n], value, expected[n]) if fit[n] else value for n, value in asked.items()}
        self.check_identical(place, kept, expected, probe)

    def with_arithmetic(self, task: str, point: Point, name: str) -> Values:
        """Return what the reference gives in one step in the arithmetic of that name, state included."""
        return self.reference.with_arithmetic(task, self.reference.first_steps(task, point), name).all

    def check_identical(self, place: Place, got: Values, expected: Values, probe: str) -> None:
        """Compare all tensors bit for bit. Raises `Disagreement` and `Invalid`, which name the probe."""
        for name, value in got.items():
            try:
                check_identical(place, name, value, expected[name], f"probe {probe}")
            except Invalid as broken:
                raise Invalid(f"probe {probe}: {broken}") from broken


def change_floats(values: Mapping[str, np.ndarray], change: Change, kept: Collection[str] = ()) -> Values:
    """Return each floating array changed, but those named in ``kept``; integers as they are."""
    return {
        name: change(array) if array.dtype.kind == "f" and name not in kept else array
        for name, array in values.items()
    }
