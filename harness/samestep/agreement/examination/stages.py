"""The stages that a candidate goes through. Each raises at the first divergence.

S0 contract (`Candidate`), S1 identity, S2 continuity, S3 forced stages with S4's limits: training is
judged step by step, every step from the candidate's own state, so that an error never hides behind an
earlier one; a task of many steps as a whole, at 1, 2 and 10 of them. S6 precision, S7 probes, S8 life: the
same process on other inputs at another rate. S5, the same implementation in float64, is a cell of its own.

A workload that trains nothing has no steps to force: its tasks are called twice from one state instead.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.perturbed import varied
from samestep.agreement.examination.precision import arithmetic
from samestep.agreement.examination.probes import PROBES, Probed
from samestep.agreement.examination.tensor_check import Place, identical, judged
from samestep.agreement.findings import Precision, TensorStatistics
from samestep.agreement.reference.derivative_check import prove
from samestep.agreement.reference.expectation import Expectation, Expectations
from samestep.agreement.reference.spread import pooled_scale
from samestep.agreement.verdict import Divergence, Invalid, Suspicion

#: Forced steps of every training task, and how many steps a task of many is called with.
STEPS = 3
LENGTHS = (1, 2, 10)


class Examination:
    """One way through the stages.

    ``nearest`` keeps, for each tensor, what came nearest to its limits; ``first`` what the candidate gave at
    its first step, and ``sigmas`` the spreads there.
    """

    def __init__(self, candidate: Candidate, expectations: Expectations) -> None:
        self.candidate = candidate
        self.expectations = expectations
        self.reference = expectations.reference
        self.nearest: dict[str, TensorStatistics] = {}
        self.notes: list[str] = []
        self.departs: dict[str, str] = {}
        self.repeats: bool | None = None
        self.precision: Precision | None = None
        self.scales: dict[str, dict[int, tuple[np.ndarray, TensorStatistics, Expectation]]] = {}
        self.first: dict[str, np.ndarray] = {}
        self.sigmas: dict[str, np.ndarray] = {}
        tasks = candidate.spec.tasks
        self.tasks = [name for name in tasks if candidate.offers(name) and self.reference.offers(name)]
        self.training = [name for name in self.tasks if tasks[name].trains]
        shortest = [name for name in candidate.training() if name in self.training]
        self.leading = shortest[0] if shortest else ""

    def run(self) -> None:
        self.stages()
        self._life()

    def stages(self) -> None:
        """Everything but S8."""
        candidate = self.candidate
        absent = [name for name in ("adopt", "export") if not candidate.offers(name)]
        if absent:
            raise Invalid(f"no {absent[0]}: every implementation has adopt and export")
        if candidate.spec.trains and not self.training:
            offered = [name for name, task in candidate.spec.tasks.items() if task.trains]
            raise Invalid(f"no training task; the workload has {', '.join(offered)}")
        if not self.tasks:
            raise Invalid(f"no task; the workload has {', '.join(candidate.spec.tasks)}")
        if candidate.module.__name__ == self.reference.module.__name__ and self.reference.dtype == "float64":
            prove(self.reference, candidate.point)
        self.steps()
        for task in self.training:
            self._continuity(task)
        self._probes()

    def steps(self, forced: int = STEPS, lengths: Sequence[int] = LENGTHS) -> None:
        """S1, S3 and S4 alone: every task, on the case's own inputs."""
        for step, state, values in self._forced(self.leading, forced):
            self._still(step, state, values)
        self._together()
        for task in self.training:
            if self.candidate.spec.tasks[task].steps:
                self._lengths(task, lengths)
            elif task != self.leading:
                collections.deque(self._forced(task, forced), maxlen=0)  # each step is judged as it is made

    # -- stages ------------------------------------------------------------------------------------------

    def _adopted(self) -> tuple[Any, Values]:
        """S1: what was adopted is exported again, bit for bit."""
        state = self.candidate.adopt(self.candidate.params)
        values = self.candidate.export(state, self.candidate.params)
        for name, value in self.candidate.params.items():
            identical(Place(0, "export"), name, values[name], value, "adopt and export are not inverse")
        return state, values

    def _forced(self, task: str, steps: int = STEPS) -> Iterator[tuple[int, Any, Values]]:
        """S3: the state before each of the forced steps, and then the step, judged; of a workload that trains
        nothing the same state twice, since what a call leaves behind in it is met by the next one."""
        state, values = self._adopted()
        if not task:
            yield from [(0, state, values)] * 2
            return
        for step in range(steps):
            yield step, state, values
            place = Place(step, task)
            outputs, state = self.candidate.run(place, state, steps=1)
            expected = self.expectations.expect(task, self.candidate.point.at(values), task, step)
            self._judge(place, outputs, expected)
            values = self._moved(place, state, expected)

    def _still(self, step: int, state: Any, values: Values) -> None:
        """The tasks that leave the state alone: trace first, since it places an error best."""
        candidate, reference, point = self.candidate, self.reference, self.candidate.point.at(values)
        if candidate.offers("trace") and reference.offers("trace"):
            place = Place(step, "trace")
            seen = candidate.trace(place, state)
            expected = self.expectations.expect("trace", point, self.leading or "trace", step)
            missing = [name for name in seen if name not in expected.exact.outputs]
            if missing:
                raise Invalid(f"trace: {missing[0]!r} is not in the reference's trace")
            for name, looked in self._judge(place, seen, expected).items():
                self.scales.setdefault(name, {})[step] = seen[name], looked, expected
        for task in self.tasks:
            if candidate.spec.tasks[task].trains:
                continue
            place = Place(step, task)
            outputs, _ = candidate.run(place, state)
            self._judge(place, outputs, self.expectations.expect(task, point, self.leading or task, step))
            after = candidate.export(state, values)
            for name, value in values.items():
                identical(place, name, after[name], value, f"{task} changed the state")

    def _together(self) -> None:
        """S4 over the forced steps: a factor is in all of them, and the scatter of honest steps averages out.

        Only of what trace shows: in a state, a constant that was rounded once moves every step alike.
        """
        for name, by_step in self.scales.items():
            steps = list(by_step.values())
            got, _, expected = steps[-1]
            factor, limit = pooled_scale([seen for _, seen, _ in steps])
            if not abs(factor) <= limit:
                found = Divergence(
                    len(steps) - 1, "trace", name, None, float(got.flat[0]),
                    float(expected.exact.all[name].flat[0]), factor, limit, "scale",
                )  # fmt: skip
                raise Suspicion(found, got=got, expected=expected.exact.all[name], expectation=expected)

    def _continuity(self, task: str) -> None:
        """S2: a state that went through export and adopt takes the same next step as one that did not."""
        state, _ = self._adopted()
        place = Place(1, task)
        _, state = self.candidate.run(place, state, steps=1)
        between = self.candidate.export(state)
        _, state = self.candidate.run(place, state, steps=1)
        straight = self.candidate.export(state)
        _, state = self.candidate.run(place, self.candidate.adopt(between), steps=1)
        again = self.candidate.export(state, straight)
        for name, value in straight.items():
            test = "the step after export and adopt is another one"
            identical(place, name, again[name], value, test)

    def _lengths(self, task: str, lengths: Sequence[int]) -> None:
        """S3 for many steps in one call, where a step that is skipped inside shows nowhere else."""
        candidate = self.candidate
        for count in (n for n in lengths if n <= (candidate.steps(task) or 0)):
            place = Place(count - 1, task)
            outputs, state = candidate.run(place, candidate.adopt(candidate.params), steps=count)
            expected = self.expectations.many(task, count)
            for name, output in outputs.items():
                if output.shape != (count,):
                    raise Invalid(f"{task}: {name} has shape {output.shape}, expected {(count,)}")
            self._judge(place, outputs, expected)
            self._moved(place, state, expected)

    def _probes(self) -> None:
        """S7, and the declared departures: those must be seen."""
        module = self.candidate.module
        must, may = dict(getattr(module, "DEPARTS", {})), dict(getattr(module, "MAY_DEPART", {}))
        declared = {**may, **must}
        unknown = [name for name in declared if name not in self.candidate.spec.probes]
        if unknown:
            probes = ", ".join(self.candidate.spec.probes)
            raise Invalid(f"departs from {unknown[0]!r}; the workload's probes are {probes}")
        for name in self.candidate.spec.probes:
            probe = PROBES[name]
            if name not in declared:
                probe(Probed(self.candidate, self.expectations, self.leading))
                continue
            try:
                probe(Probed(self.candidate, self.expectations, self.leading))
            except Exception:  # whatever it does there, it departs, as declared
                self.departs[name] = declared[name]
            else:
                if name in must:
                    raise Invalid(f"DEPARTS says of probe {name} {must[name]!r}, but it passes: drop it")

    def _life(self) -> None:
        """S8: the same call again, then other inputs and another rate in the same process, and the first ones
        again: what was cached, captured or skipped shows."""
        self.repeats = self._same_bits()
        variant = varied(self.candidate, 1)
        other = Examination(variant, self.expectations.moved("variant 1", variant.point))
        for step, state, values in other._forced(self.leading):
            other._still(step, state, values)
            if step == 1:
                break
        state, values = self._adopted()
        self._still(0, state, values)

    def _same_bits(self) -> bool:
        """Whether one step from the same state (all tasks, where nothing trains) gives the same bits twice;
        reported, not judged."""
        ends: list[Values] = [{}, {}]
        for end in ends:
            for task in [self.leading] if self.leading else self.tasks:
                start = self.candidate.adopt(self.candidate.params)
                outputs, state = self.candidate.run(Place(0, task), start, steps=1)
                end |= {**outputs, **(self.candidate.export(state) if self.leading else {})}
        return all(np.array_equal(ends[0][name], ends[1][name], equal_nan=True) for name in ends[0])

    # -- pieces --------------------------------------------------------------------------------------------

    def _moved(self, place: Place, state: Any, expected: Expectation) -> Values:
        """The new state's values, judged."""
        values = self.candidate.export(state, expected.exact.state)
        self._judge(place, values, expected)
        return values

    def _judge(self, place: Place, got: Values, expected: Expectation) -> dict[str, TensorStatistics]:
        found: dict[str, TensorStatistics] = {}
        for name, value in got.items():
            kind = _kind(expected.exact.all[name])
            if _kind(value) != kind:
                raise Invalid(f"{place.task}: {name} is {value.dtype}, expected {kind}")
            seen = judged(place, name, value, expected)
            if place.step == 0 and name not in self.first:
                self.first[name] = value
                if name in expected.spreads:
                    self.sigmas[name] = expected.spreads[name].sigma
            if seen:
                found[name] = seen
            if seen and (name not in self.nearest or seen.share > self.nearest[name].share):
                self.nearest[name] = seen
            if seen and place.step == 0:
                self._arithmetic(place, name, value, seen, expected)
        return found

    def _arithmetic(
        self, place: Place, name: str, got: np.ndarray, seen: TensorStatistics, expected: Expectation
    ) -> None:
        """S6: the first tensor that can tell names the arithmetic; one that is too exact is a finding.

        Of the other optimisers the rounding of their numbers hides it: some code holds 1 - beta in float64.
        """
        if place.task in self.training and place.task != self.leading:
            return
        told = arithmetic(self.reference, name, seen, expected)
        if told is None:
            return
        self.precision = self.precision or told
        if told.label == "unknown":
            self.notes.append(f"{name}: computed between the known arithmetics, {told.ratio:.2g} sigma off")
        elif told.label != told.declared:
            found = Divergence(
                place.step, place.task, name, None, None, None, told.ratio, None,
                f"computed in {told.label}, not in {told.declared}: the error is {told.ratio:.2g} sigma",
            )  # fmt: skip
            raise Suspicion(found, got=got, expected=expected.exact.all[name], expectation=expected)


def _kind(array: np.ndarray) -> str:
    return {"f": "a floating dtype", "b": "a bool"}.get(array.dtype.kind, "an integer")
