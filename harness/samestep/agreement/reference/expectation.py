"""What a candidate should give, at every place of one case: values, certificates, spreads.

The values are the reference's from the candidate's own params. The certificate is asked for where all rungs
start, and again wherever a statistical limit is breached, to tell a proof from a suspicion: elsewhere it
would cost as much as everything else, and on all but the smallest networks it is far wider. The spreads are
those along the reference's own training: a candidate's params differ from those by rounding only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from samestep.agreement.limits import FEWER_REPLICAS, REPLICAS
from samestep.agreement.reference.run import Outcome, Point, Reference
from samestep.agreement.reference.spread import Spread
from samestep.agreement.reference.spread_cache import Recall, digest


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
        self.shown: Expectation | None = None
        self.others: dict[str, Expectations] = {}

    def expect(self, task: str, point: Point, along: str, step: int) -> Expectation:
        """Of ``task`` at ``point``, which is where ``step`` steps of the task ``along`` led."""
        task = self._serving(task)
        if step == 0 and task in self.first:  # the same for every rung
            return self.first[task]
        if task == "trace" and self.shown and self.shown.point is point:
            return self.shown
        replicas = REPLICAS if step == 0 and task in ("trace", along) else FEWER_REPLICAS
        spreads = self._spreads(task, lambda: self._path(along, step), along if step else "", step, replicas)
        expectation = self._expectation(task, point, 1, spreads, proven=step == 0)
        if step == 0:
            self.first[task] = expectation
        elif task == "trace":
            self.shown = expectation
        return expectation

    def many(self, task: str, count: int) -> Expectation:
        """Of a task of many steps, its first ``count`` of them from the start."""
        name = f"{task} {count}"
        if name not in self.first:
            spreads = self._spreads(task, lambda: self.start, "", count, FEWER_REPLICAS, count)
            self.first[name] = self._expectation(task, self.start, count, spreads, proven=count == 1)
        return self.first[name]

    def _expectation(
        self, task: str, point: Point, count: int, spreads: dict[str, Spread], proven: bool
    ) -> Expectation:
        exactly = self.reference.first(task, point, count)
        return Expectation(
            task=task,
            point=point,
            exact=self.reference.exact(task, exactly),
            spreads=spreads,
            bounds=cache(lambda: self.reference.bounds(task, exactly)),
            lowered=cache(lambda name: self.reference.lowered(task, exactly, name)),
            proven=proven,
        )

    def _serving(self, task: str) -> str:
        """The task itself; but ``trace`` serves for all tasks that only look at what it shows."""
        return "trace" if task in self.shown_by_trace else task

    @cached_property
    def shown_by_trace(self) -> set[str]:
        """The tasks whose outputs are all in the reference's trace, in the same shapes."""
        if not self.reference.offers("trace"):
            return set()

        def shapes(task: str) -> set[tuple[str, tuple[int, ...]]]:
            outputs = self.reference.exact(task, self.start).outputs
            return {(name, value.shape) for name, value in outputs.items()}

        tasks, shows = self.reference.spec.tasks, shapes("trace")
        looks = [name for name in tasks if not tasks[name].trains and self.reference.offers(name)]
        return {name for name in looks if shapes(name) <= shows}

    def _spreads(
        self, task: str, where: Callable[[], Point], along: str, step: int, replicas: int, count: int = 1
    ) -> dict[str, Spread]:
        key = digest(self.identity, task, along, str(step), str(replicas), str(count))
        reference = self.reference
        return self.recall(
            key, lambda: reference.spreads(task, reference.first(task, where(), count), replicas)
        )

    def _path(self, along: str, step: int) -> Point:
        """Where the reference is after so many steps of its own."""
        path = self.paths.setdefault(along, [self.start])
        while len(path) <= step:
            state = self.reference.exact(along, self.reference.first(along, path[-1])).state
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

    def moved(self, name: str, start: Point) -> Expectations:
        """Of the same reference at other inputs, which ``name`` stands for: the same ones for every rung."""
        if name not in self.others:
            self.others[name] = Expectations(self.reference, start, self.source, self.recall)
        return self.others[name]


def _narrow(array: np.ndarray, reference: Reference) -> np.ndarray:
    """As a candidate holds it."""
    return array.astype(reference.precision) if array.dtype.kind == "f" else array
