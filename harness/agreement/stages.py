"""The stages that a candidate goes through. Each raises at the first divergence.

S0 contract (`Candidate`), S1 identity, S2 continuity, S3 forced stages with S4's limits: training is
judged step by step, every step from the candidate's own state, so that an error never hides behind an
earlier one. A task of many steps is judged by its prefixes: what k + 1 steps give must be one reference
step away from what k steps gave, so that a step skipped inside a compiled loop has nowhere to hide, and
no bound has to be carried through more than one step (through ten it would be vacuous on an unstable
network: 5e15 times the loss on the tutorials' one).
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

from harness.agreement.candidate import Candidate, Values
from harness.agreement.compare import Place, certified, identical
from harness.agreement.reference import Bounds, Reference
from harness.agreement.verdict import (
    AGREE,
    DISAGREE,
    INVALID,
    Disagreement,
    Invalid,
    Verdict,
)

#: Forced steps of every training task, and prefixes of every task of many steps.
STEPS = 3
PREFIXES = 10


def examine(candidate: Candidate, reference: Reference) -> Verdict:
    """Take the candidate through all stages; exceptions of its own code come through."""
    examination = Examination(candidate, reference)
    try:
        examination.run()
    except Disagreement as found:
        return Verdict(DISAGREE, str(found), found.divergence, examination.worst)
    except Invalid as broken:
        return Verdict(INVALID, str(broken), None, examination.worst)
    return Verdict(AGREE, None, None, examination.worst)


class Examination:
    """``worst`` keeps, for each tensor, the largest error over limit that was seen."""

    def __init__(self, candidate: Candidate, reference: Reference) -> None:
        self.candidate = candidate
        self.reference = reference
        self.worst: dict[str, float] = {}
        self.tasks = [
            name for name in candidate.spec.tasks if candidate.offers(name) and reference.offers(name)
        ]

    def run(self) -> None:
        absent = [name for name in ("adopt", "export") if not self.candidate.offers(name)]
        if absent:
            raise Invalid(f"no {absent[0]}: every implementation has adopt and export")
        if candidate_is_reference(self.candidate, self.reference):
            self.reference.prove(self.candidate.params, self.candidate.arrays, self.candidate.numbers)
        training = [name for name in self.tasks if self.candidate.spec.tasks[name].trains]
        if not training:
            raise Invalid(f"no training task; the workload has {', '.join(self._training_tasks())}")
        leading = min(training, key=lambda name: self.candidate.spec.tasks[name].steps is not None)
        for step, state, values in self._forced(leading):
            self._still(step, state, values)
        for task in training:
            if self.candidate.spec.tasks[task].steps:
                self._prefixes(task)
            elif task != leading:
                collections.deque(self._forced(task), maxlen=0)  # each step is judged as it is made
            self._continuity(task)

    def _training_tasks(self) -> Iterator[str]:
        return (name for name, task in self.candidate.spec.tasks.items() if task.trains)

    # -- stages ------------------------------------------------------------------------------------------

    def _adopted(self) -> tuple[Any, Values]:
        """S1: what was adopted is exported again, bit for bit."""
        state = self.candidate.adopt(self.candidate.params)
        values = self.candidate.export(state, self.candidate.params)
        for name, value in self.candidate.params.items():
            identical(Place(0, "export"), name, values[name], value, "adopt and export are not inverse")
        return state, values

    def _forced(self, task: str) -> Iterator[tuple[int, Any, Values]]:
        """S3: the state before each of the forced steps, and then the step, judged."""
        state, values = self._adopted()
        for step in range(STEPS):
            yield step, state, values
            place = Place(step, task)
            outputs, state = self.candidate.run(place, state, steps=1)
            expected, new = self._one_step(task, values)
            self._compare(place, outputs, expected)
            values = self._moved(place, state, new)

    def _still(self, step: int, state: Any, values: Values) -> None:
        """The tasks that leave the state alone: trace first, since it places an error best."""
        candidate, reference = self.candidate, self.reference
        if candidate.offers("trace") and reference.offers("trace"):
            place = Place(step, "trace")
            seen = candidate.trace(place, state)
            expected = reference.trace(values, candidate.arrays, candidate.numbers)
            missing = [name for name in seen if name not in expected]
            if missing:
                raise Invalid(f"trace: {missing[0]!r} is not in the reference's trace")
            self._compare(place, seen, {name: expected[name] for name in seen})
        for task in self.tasks:
            if candidate.spec.tasks[task].trains:
                continue
            place = Place(step, task)
            outputs, _ = candidate.run(place, state)
            expected, _ = reference.run(task, values, candidate.arrays, candidate.numbers)
            self._compare(place, outputs, expected)
            after = candidate.export(state, values)
            for name, value in values.items():
                identical(place, name, after[name], value, f"{task} changed the state")

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

    def _prefixes(self, task: str) -> None:
        """S3 for many steps in one call: k + 1 steps are one reference step from k steps."""
        candidate = self.candidate
        values, history = self._adopted()[1], []
        for count in range(1, min(PREFIXES, self._steps(task)) + 1):
            place = Place(count - 1, task)
            outputs, state = candidate.run(place, candidate.adopt(candidate.params), steps=count)
            expected, new = self._one_step(task, values, at=count - 1)
            history.append(expected)
            for name, output in outputs.items():
                if output.shape != (count,):
                    raise Invalid(f"{task}: {name} has shape {output.shape}, expected {(count,)}")
            for step, then in enumerate(history):
                one = {name: output[step : step + 1] for name, output in outputs.items()}
                self._compare(Place(step, task), one, then)
            values = self._moved(place, state, new)

    # -- pieces --------------------------------------------------------------------------------------------

    def _steps(self, task: str) -> int:
        """How many steps the whole task makes."""
        name = str(self.candidate.spec.tasks[task].steps)
        numbers = self.candidate.numbers
        return int(numbers[name]) if name in numbers else len(self.candidate.arrays[name])

    def _one_step(self, task: str, values: Values, at: int = 0) -> tuple[Bounds, Bounds]:
        """One reference step from these values; of a task of many steps, the one at position ``at``."""
        arrays, numbers = self.candidate.arrays, self.candidate.numbers
        name = self.candidate.spec.tasks[task].steps
        if name in numbers:
            numbers = {**numbers, name: 1}
        elif name is not None:
            arrays = {**arrays, name: arrays[name][at : at + 1]}
        return self.reference.run(task, values, arrays, numbers)

    def _moved(self, place: Place, state: Any, expected: Bounds) -> Values:
        """The new state's values, judged."""
        values = self.candidate.export(state, {name: b.value for name, b in expected.items()})
        self._compare(place, values, expected)
        return values

    def _compare(self, place: Place, got: Values, expected: Bounds) -> None:
        for name, value in got.items():
            kind = expected[name].dtype.kind
            if (kind == "f") != (value.dtype.kind == "f"):
                raise Invalid(f"{place.task}: {name} is {value.dtype}, expected {_kind(kind)}")
            ratio = certified(place, name, value, expected[name])
            self.worst[name] = max(ratio, self.worst.get(name, 0.0))


def candidate_is_reference(candidate: Candidate, reference: Reference) -> bool:
    return candidate.module.__name__ == reference.module.__name__ and candidate.settings.dtype == "float64"


def _kind(kind: str) -> str:
    return "a floating dtype" if kind == "f" else "an integer"
