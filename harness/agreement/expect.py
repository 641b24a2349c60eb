"""What a candidate should give, at every place of one case: values, certificates, spreads.

The values are the reference's from the candidate's own params. The certificate is asked for where all rungs
start, and again wherever a statistical limit is breached, to tell a proof from a suspicion: elsewhere it would
cost as much as everything else, and on all but the smallest networks it is far wider. The spreads are
those along the reference's own training: a candidate's params differ from those by rounding only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from harness.agreement.limits import FEWER_REPLICAS, REPLICAS
from harness.agreement.recall import Recall, digest
from harness.agreement.reference import Outcome, Point, Reference
from harness.agreement.spread import Spread


@dataclass(frozen=True)
class Expectation:
    """One call of one task. ``proven`` says whether the certificate is to be asked in any case; ``lowered``
    gives what another arithmetic would."""

    task: str
    point: Point
    exact: Outcome
    spreads: dict[str, Spread]
    bounds: Callable[[], Outcome]
    lowered: Callable[[str], Outcome]
    proven: bool


class Expectations:
    """One case's inputs, for one dtype. ``source`` names the reference's code; see `Recall`."""

    def __init__(self, reference: Reference, start: Point, source: str, recall: Recall) -> None:
        self.reference = reference
        self.start = start
        self.recall = recall
        self.source = source
        self.paths: dict[str, list[Point]] = {}
        self.first: dict[str, Expectation] = {}

    def expect(self, task: str, point: Point, along: str, step: int) -> Expectation:
        """Of ``task`` at ``point``, which is where ``step`` steps of the task ``along`` led."""
        many = self.reference.spec.tasks[task].steps if task != "trace" else None
        point = point.one_step(many, step)
        if step == 0 and task in self.first:  # the same for every rung
            return self.first[task]
        expectation = Expectation(
            task=task,
            point=point,
            exact=self.reference.exact(task, point),
            spreads=self.spreads(task, along, step),
            bounds=cache(lambda: self.reference.bounds(task, point)),
            lowered=cache(lambda name: self.reference.lowered(task, point, name)),
            proven=step == 0,
        )
        if step == 0:
            self.first[task] = expectation
        return expectation

    def spreads(self, task: str, along: str, step: int) -> dict[str, Spread]:
        """Those of ``trace`` serve for every task that only looks: the same tensors by the same names."""
        looks = not self.reference.spec.tasks[task].trains if task != "trace" else False
        if looks and self.reference.offers("trace"):
            shown = self._spreads("trace", along, step)
            if set(self._leaves(task)) <= set(shown):
                return shown
        return self._spreads(task, along, step)

    def _leaves(self, task: str) -> list[str]:
        outputs = self.reference.spec.tasks[task].outputs
        grads = [f"grad_{name}" for name in self.start.params]
        return [leaf for name in outputs for leaf in (grads if name == "grads" else [name])]

    def _spreads(self, task: str, along: str, step: int) -> dict[str, Spread]:
        replicas = REPLICAS if step == 0 and task in ("trace", along) else FEWER_REPLICAS
        key = digest(self.identity, task, along if step else "", str(step), str(replicas))

        def make() -> dict[str, Spread]:
            many = self.reference.spec.tasks[task].steps if task != "trace" else None
            point = self._path(along, step).one_step(many, step)
            return self.reference.spreads(task, point, replicas)

        return self.recall(key, make)

    def _path(self, along: str, step: int) -> Point:
        """Where the reference is after so many steps of its own."""
        path = self.paths.setdefault(along, [self.start])
        many = self.reference.spec.tasks[along].steps
        while len(path) <= step:
            point = path[-1].one_step(many, len(path) - 1)
            state = self.reference.exact(along, point).state
            path.append(self.start.at({name: _narrow(a, self.reference) for name, a in state.items()}))
        return path[step]

    @cached_property
    def identity(self) -> str:
        """Everything that a spread follows from, but the place."""
        arrays = {**self.start.params, **self.start.arrays}
        return digest(
            self.source, self.reference.dtype, str(self.reference.tf32), str(self.start.numbers),
            *(part for name, array in sorted(arrays.items()) for part in (name, np.asarray(array))),
        )  # fmt: skip

    def moved(self, start: Point) -> Expectations:
        """Of the same reference at other inputs."""
        return Expectations(self.reference, start, self.source, self.recall)


def _narrow(array: np.ndarray, reference: Reference) -> np.ndarray:
    """As a candidate holds it."""
    return array.astype(reference.precision) if array.dtype.kind == "f" else array


def halved(point: Point, rate: str) -> Point:
    """The same place with half the learning rate, where the case has one."""
    if rate not in point.numbers:
        return point
    return replace(point, numbers={**point.numbers, rate: point.numbers[rate] / 2})
