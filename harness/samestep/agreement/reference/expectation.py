"""What a candidate should give, at every place of one case: values, certificates, spreads.

The values are the reference's from the candidate's own params. The certificate is computed where all
implementations start, and again wherever a statistical limit is breached, to tell a proof from a suspicion:
elsewhere it would cost as much as everything else, and on all but the smallest networks it is far wider.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.arithmetic.gate_arrays import Gate
from samestep.agreement.limits import FEWER_REPLICAS, REPLICAS
from samestep.agreement.reference.proof import prove
from samestep.agreement.reference.run import Outcome, Point, Reference
from samestep.agreement.reference.spread import Spread
from samestep.agreement.reference.spread_cache import SpreadCache, digest
from samestep.agreement.reference.training_path import TrainingPath
from samestep.agreement.reference.undecided_gates import undecided_gates, with_gates_turned
from samestep.agreement.verdict import Refuted


@dataclass(frozen=True)
class Expectation:
    """What one call of ``task`` on the inputs ``point`` should give.

    ``exact`` holds the float64 values, and ``spreads`` the scatter of each floating tensor. ``bounds()``
    computes the certificate, and ``with_arithmetic(name)`` what another arithmetic would give; both once,
    when they are first asked for; so are the ``undecided_gates()``, and what ``with_gates_turned(gates)``
    would give. ``certified`` says whether every tensor is compared with its certificate,
    and not only one that breaches a statistical limit.
    """

    task: str
    point: Point
    exact: Outcome[np.ndarray]
    spreads: dict[str, Spread]
    bounds: Callable[[], Outcome[Bound]]
    with_arithmetic: Callable[[str], Outcome[np.ndarray]]
    undecided_gates: Callable[[], list[Gate]]
    with_gates_turned: Callable[[tuple[Gate, ...]], Outcome[np.ndarray]]
    certified: bool


class Expectations:
    """The expectations of one case, for one dtype, shared by all implementations of the case.

    All implementations begin at ``start``, so what is expected there is kept for all of them. Later each has
    params of its own: there a trace is kept until the next one, for the other tasks at the same point.
    ``source`` names the reference's code, see `samestep.agreement.reference.training_path.TrainingPath`.
    """

    def __init__(self, reference: Reference, start: Point, source: str, spreads: SpreadCache) -> None:
        self.reference = reference
        self.start = start
        self.path = TrainingPath(reference, start, source, spreads)
        self._kept: dict[tuple[str, int, int], Expectation] = {}  # by task, step, and the steps of one call
        self._perturbed: dict[str, Expectations] = {}

    def prove(self) -> None:
        """See that the reference is right at the start: once for all implementations, and kept on disk.

        Raises `Refuted` where it is not, and as `samestep.agreement.reference.proof.prove` does.
        """
        if self._refuted:
            raise Refuted(f"the reference is refuted: {self._refuted}")

    @cached_property
    def _refuted(self) -> str | None:
        spec = self.reference.spec
        tasks = [(name, task.inputs, task.outputs, task.steps) for name, task in spec.tasks.items()]
        declared = str((tasks, spec.trace, spec.derivatives, spec.state))

        def proven() -> dict[str, Spread]:
            prove(self.reference, self.start)
            return {}

        try:
            self.path.cache.get(digest(self.path.identity, "proof", declared), proven)
        except Refuted as refuted:
            return str(refuted)
        return None

    def expect(self, task: str, point: Point, along: str, step: int) -> Expectation:
        """Return what ``task`` should give at ``point``, where ``step`` steps of the task ``along`` led."""
        task = "trace" if task in self._shown_by_trace else task
        kept = self._kept.get((task, step, 0))
        if kept and (step == 0 or kept.point is point):
            return kept
        replicas = REPLICAS if step == 0 and task in ("trace", along) else FEWER_REPLICAS
        spreads = self.path.spreads(task, along, step, replicas)
        expectation = self._expectation(task, point, 1, spreads, certified=step == 0)
        if step == 0 or task == "trace":
            self._kept[task, step, 0] = expectation
        return expectation

    def expect_from(self, task: str, point: Point, count: int = 1) -> Expectation:
        """Return what one call of ``count`` steps of ``task`` should give at a point that need not be near
        the training's path; it is not kept."""
        inputs = self.reference.first_steps(task, point, count)
        spreads = self.reference.spreads(task, inputs, FEWER_REPLICAS)
        return self._expectation(task, point, count, spreads, certified=False)

    def expect_many(self, task: str, count: int, replicas: int = FEWER_REPLICAS) -> Expectation:
        """Return what one call of ``count`` steps of ``task`` should give, from the start."""
        key = task, 0, count
        if key not in self._kept:
            spreads = self.path.spreads_of_many(task, count, replicas)
            self._kept[key] = self._expectation(task, self.start, count, spreads, certified=count == 1)
        return self._kept[key]

    def perturbed(self, name: str, start: Point) -> Expectations:
        """Return the expectations at other inputs, the same for every implementation.

        ``name`` stands for the inputs.
        """
        if name not in self._perturbed:
            self._perturbed[name] = Expectations(self.reference, start, self.path.source, self.path.cache)
        return self._perturbed[name]

    def _expectation(
        self, task: str, point: Point, count: int, spreads: dict[str, Spread], certified: bool
    ) -> Expectation:
        inputs = self.reference.first_steps(task, point, count)
        return Expectation(
            task=task,
            point=point,
            exact=self.reference.exact(task, inputs),
            spreads=spreads,
            bounds=cache(lambda: self.reference.bounds(task, inputs)),
            with_arithmetic=cache(lambda name: self.reference.with_arithmetic(task, inputs, name)),
            undecided_gates=cache(lambda: undecided_gates(self.reference, task, inputs)),
            with_gates_turned=cache(lambda gates: with_gates_turned(self.reference, task, inputs, gates)),
            certified=certified,
        )

    @cached_property
    def _shown_by_trace(self) -> set[str]:
        """The tasks that a trace serves for: it has all their outputs, with the same numbers.

        Names alone do not say so: a network with BatchNorm gives other logits in training.
        """
        if not self.reference.offers("trace"):
            return set()
        shown = self.reference.exact("trace", self.start).outputs

        def is_shown(task: str) -> bool:
            outputs = self.reference.exact(task, self.start).outputs
            return all(n in shown and np.array_equal(a, shown[n], equal_nan=True) for n, a in outputs.items())

        tasks = self.reference.spec.tasks
        return {n for n in tasks if not tasks[n].trains and self.reference.offers(n) and is_shown(n)}
