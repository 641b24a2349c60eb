"""The stages that a candidate goes through. Each raises at the first divergence.

- contract: names, shapes, dtypes, device (`samestep.agreement.examination.candidate.Candidate`);
- identity: what was adopted is exported again, bit for bit;
- forced steps: training is compared step by step, each step from the candidate's own state, so that an error
  never hides behind an earlier one; a task of many steps as a whole, after 1, 2 and 10 of them, or after all;
- full length: a call of all steps is what such short calls give, one after another
  (`samestep.agreement.examination.full_length`);
- precision: the arithmetic that was used is identified (`samestep.agreement.examination.precision`);
- continuity: a state that went through export and adopt takes the same next step;
- probes: inputs on which rounding plays no part (`samestep.agreement.examination.probes`);
- repeatability: the same process on other inputs at another rate, and on the first ones again.

The stage float64, the same implementation in float64, is a cell of its own. A workload that trains nothing
has no steps to force: its tasks are called twice from one state instead.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence

import numpy as np

from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.comparisons import Comparisons
from samestep.agreement.examination.departures import check_probes
from samestep.agreement.examination.full_length import FullLength
from samestep.agreement.examination.perturbed import perturb
from samestep.agreement.examination.probe_run import ProbeRun
from samestep.agreement.examination.tensor_check import Place, check_identical
from samestep.agreement.reference.expectation import Expectation, Expectations
from samestep.agreement.verdict import Invalid

#: Forced steps of every training task, and how many steps a task of many is called with.
STEPS = 3
LENGTHS = (1, 2, 10)


class Examination:
    """One candidate's way through the stages.

    ``comparisons`` keeps what was found of each tensor, ``departs`` the declared departures that were
    observed, and ``repeats`` whether the same call gave the same bits twice. The full length is examined
    where rounding is smallest, in float64, and in another dtype if that is the ``only`` one.
    """

    def __init__(self, candidate: Candidate, expectations: Expectations, only: bool = False) -> None:
        self.candidate = candidate
        self.expectations = expectations
        self.reference = expectations.reference
        self.at_full_length = only or self.reference.dtype == "float64"
        self.departs: dict[str, str] = {}
        self.repeats: bool | None = None
        tasks = candidate.spec.tasks
        self.tasks = [name for name in tasks if candidate.offers(name) and self.reference.offers(name)]
        self.training = [name for name in self.tasks if tasks[name].trains]
        self.leading = next((name for name in candidate.training_tasks() if name in self.training), "")
        self.comparisons = Comparisons(self.reference, {*self.training} - {self.leading})

    def run(self) -> None:
        """Go through all stages."""
        self.examine_inputs()
        self._check_repeatability()

    def examine_inputs(self) -> None:
        """Go through all stages but repeatability."""
        self._check_offer()
        self.force_steps()
        for task in self.training:
            self._check_continuity(task)
            if self.at_full_length and (self.candidate.steps(task) or 0) > LENGTHS[-1]:
                whole = FullLength(self.candidate, self.expectations, self.comparisons, task, LENGTHS)
                whole.check(np.random.default_rng())
        run = ProbeRun(self.candidate, self.expectations, self.leading)
        for name, reason in check_probes(run):
            self.departs[name] = reason
        self.comparisons.notes += run.left_out.values()

    def force_steps(self, steps: int = STEPS, lengths: Sequence[int] = LENGTHS) -> None:
        """Go through identity, forced steps and precision alone: every task, on the case's own inputs."""
        for step, state, values in self._forced_steps(self.leading, steps):
            self._check_evaluations(step, state, values)
        self.comparisons.check_pooled_scales()
        for task in self.training:
            if self.candidate.spec.tasks[task].steps:
                self._check_many_steps(task, lengths)
            elif task != self.leading:
                collections.deque(self._forced_steps(task, steps), maxlen=0)  # each is compared as it is made

    # -- contract ----------------------------------------------------------------------------------------

    def _check_offer(self) -> None:
        """Whether there is what an examination needs."""
        candidate = self.candidate
        absent = [name for name in ("adopt", "export") if not candidate.offers(name)]
        if absent:
            raise Invalid(f"no {absent[0]}: every implementation has adopt and export")
        if not self.tasks:
            raise Invalid(f"no task; the workload has {', '.join(candidate.spec.tasks)}")
        if candidate.spec.trains and not self.training:
            names = ", ".join(self.tasks)
            self.comparisons.notes.append(f"offers no training task: examined in {names} alone")

    # -- identity ----------------------------------------------------------------------------------------

    def _check_identity(self) -> tuple[object, Values]:
        """Whether adopted params are exported again, bit for bit; return the state and its values."""
        state = self.candidate.adopt(self.candidate.params)
        values = self.candidate.export(state, self.candidate.params)
        for name, value in self.candidate.params.items():
            check_identical(Place(0, "export"), name, values[name], value, "adopt and export are not inverse")
        return state, values

    # -- forced steps ------------------------------------------------------------------------------------

    def _forced_steps(self, task: str, steps: int = STEPS) -> Iterator[tuple[int, object, Values]]:
        """The number of each forced step, the state before it and its values; then the step, compared.

        Where nothing trains the same state twice, since what a call leaves behind in it is met by the next
        one.
        """
        state, values = self._check_identity()
        if not task:
            yield from [(0, state, values)] * 2
            return
        for step in range(steps):
            yield step, state, values
            place = Place(step, task)
            outputs, state = self.candidate.run(place, state, steps=1)
            expected = self.expectations.expect(task, self.candidate.point.with_params(values), task, step)
            self.comparisons.check(place, outputs, expected)
            values = self._check_new_state(place, state, expected)

    def _check_new_state(self, place: Place, state: object, expected: Expectation) -> Values:
        """Compare the new state; return its values."""
        values = self.candidate.export(state, expected.exact.state)
        self.comparisons.check(place, values, expected)
        return values

    def _check_evaluations(self, step: int, state: object, values: Values) -> None:
        """The tasks that do not change the state: trace first, since it places an error best."""
        candidate, point = self.candidate, self.candidate.point.with_params(values)
        if candidate.offers("trace") and self.reference.offers("trace"):
            place = Place(step, "trace")
            shown = candidate.trace(place, state)
            expected = self.expectations.expect("trace", point, self.leading or "trace", step)
            missing = [name for name in shown if name not in expected.exact.outputs]
            if missing:
                raise Invalid(f"trace: {missing[0]!r} is not in the reference's trace")
            self.comparisons.check_trace(place, shown, expected)
            self._check_kept(place, state, values)
        for task in self.tasks:
            if candidate.spec.tasks[task].trains:
                continue
            place = Place(step, task)
            outputs, _ = candidate.run(place, state)
            expected = self.expectations.expect(task, point, self.leading or task, step)
            self.comparisons.check(place, outputs, expected)
            self._check_kept(place, state, values)

    def _check_kept(self, place: Place, state: object, values: Values) -> None:
        """Whether a task that only looks left the state as it was, bit for bit."""
        after = self.candidate.export(state, values)
        for name, value in values.items():
            check_identical(place, name, after[name], value, f"{place.task} changed the state")

    def _check_many_steps(self, task: str, lengths: Sequence[int]) -> None:
        """Many steps in one call, where a step that is skipped inside shows nowhere else."""
        candidate, whole = self.candidate, self.candidate.steps(task) or 0
        for count in sorted({min(n, whole) for n in lengths if whole}):
            place = Place(count - 1, task)
            outputs, state = candidate.run(place, candidate.adopt(candidate.params), steps=count)
            expected = self.expectations.expect_many(task, count)
            for name, output in outputs.items():
                if output.shape != (count,):
                    raise Invalid(f"{task}: {name} has shape {output.shape}, expected {(count,)}")
            self.comparisons.check(place, outputs, expected)
            self._check_new_state(place, state, expected)

    # -- continuity --------------------------------------------------------------------------------------

    def _check_continuity(self, task: str) -> None:
        """Whether a state that went through export and adopt takes the same next step as one that did not."""
        state, _ = self._check_identity()
        place = Place(1, task)
        _, state = self.candidate.run(place, state, steps=1)
        between = self.candidate.export(state)
        _, state = self.candidate.run(place, state, steps=1)
        straight = self.candidate.export(state)
        _, state = self.candidate.run(place, self.candidate.adopt(between), steps=1)
        again = self.candidate.export(state, straight)
        for name, value in straight.items():
            test = "the step after export and adopt is another one"
            check_identical(place, name, again[name], value, test)

    # -- repeatability -----------------------------------------------------------------------------------

    def _check_repeatability(self) -> None:
        """The same process on other inputs at another rate, and on the first ones again.

        What was cached, captured or skipped shows.
        """
        self.repeats = self._repeats_bits()
        candidate = perturb(self.candidate, 1)
        other = Examination(candidate, self.expectations.perturbed("perturbation 1", candidate.point))
        for step, state, values in other._forced_steps(self.leading):
            other._check_evaluations(step, state, values)
            if step == 1:
                break
        state, values = self._check_identity()
        self._check_evaluations(0, state, values)

    def _repeats_bits(self) -> bool:
        """Whether one step from the same state gives the same bits twice; reported, not judged.

        Where nothing trains, whether all tasks do.
        """
        ends: list[Values] = [{}, {}]
        for end in ends:
            for task in [self.leading] if self.leading else self.tasks:
                start = self.candidate.adopt(self.candidate.params)
                outputs, state = self.candidate.run(Place(0, task), start, steps=1)
                end |= {**outputs, **(self.candidate.export(state) if self.leading else {})}
        return all(np.array_equal(ends[0][name], ends[1][name], equal_nan=True) for name in ends[0])
