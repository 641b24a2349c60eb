"""Faults planted in implementations, and what samestep and the usual checks find in them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.verdict import AGREE, Verdict
from samestep.api import open_cell
from samestep.catalog.inputs import draw_inputs
from tests.evidence.examiner import Examiner, Problem
from tests.evidence.faults import Fault, framework_of
from tests.evidence.faults_conv_net import FAULTS as CONV_NET
from tests.evidence.faults_mnist_mlp import FAULTS as MNIST_MLP
from tests.evidence.faults_two_layer import FAULTS as TWO_LAYER
from tests.evidence.usual_checks import CHECKS
from tests.made.planting import planted

CASES = {"two_layer": "tutorial", "mnist_mlp": "sample", "conv_net": "tiny"}
FAULTS = [*TWO_LAYER, *MNIST_MLP, *CONV_NET]
FRAMEWORKS = ("numpy", "torch", "jax", "tensorflow")
DTYPES = ("float32", "float64")
#: Seeds of the evidence begin here: none was looked at while samestep was written.
FIRST_SEED = 1000
#: The processes that a framework's paths are divided between.
PROCESSES = 2
#: The name of what is no fault: an implementation as it is.
HONEST = ""

#: A fault, the implementation that it is planted in, and a seed.
Planting = tuple[str, str, int]


@dataclass(frozen=True)
class Share:
    """The work of one process: every second path of a framework, from ``first`` on, in one dtype.

    ``every`` takes the N-th of each N faults; samestep examines only the ``missed`` ones, None for all.
    """

    workload: str
    framework: str
    dtype: str
    seeds: Sequence[int]
    every: int
    first: int = 0
    missed: Sequence[Planting] | None = None


@dataclass(frozen=True)
class Outcome:
    """What samestep and the usual checks found in one planted implementation.

    ``usual`` says which of the checks object. ``verdict`` is None where samestep did not examine it;
    ``tensor``, ``kind`` and ``reason`` are where it first diverged, the diagnosis, and what was said of it.
    """

    fault: str
    rung: str
    seed: int
    dtype: str
    usual: Mapping[str, bool]
    verdict: str | None = None
    tensor: str | None = None
    kind: str | None = None
    reason: str | None = None

    @property
    def planting(self) -> Planting:
        return self.fault, self.rung, self.seed

    @property
    def caught(self) -> bool:
        return self.verdict not in (None, AGREE)


def chosen(workload: str, every: int) -> list[Fault]:
    """Return every N-th fault of a workload."""
    return [fault for fault in FAULTS if fault.workload == workload][::every]


def paths(share: Share) -> list[tuple[str, str, Mapping[str, str]]]:
    """Return (fault, implementation, patch) of a framework; first each implementation as it is."""
    mine = [
        (fault.name, rung, patch)
        for fault in chosen(share.workload, share.every)
        for rung, patch in fault.changes.items()
        if framework_of(rung) == share.framework
    ]
    return [*((HONEST, rung, {}) for rung in dict.fromkeys(rung for _, rung, _ in mine)), *mine]


def outcomes(share: Share) -> Iterator[Outcome]:
    """Return the outcomes of a share."""
    examiner, case = Examiner(share.dtype), CASES[share.workload]
    missed = None if share.missed is None else set(share.missed)
    with tempfile.TemporaryDirectory() as folder:
        for name, rung, patch in paths(share)[share.first :: PROCESSES]:
            source = examiner.catalog.implementation(share.workload, rung).path
            file = planted(Path(folder), source, patch)
            opened = open_cell(f"{share.workload}:{case}", dtype=share.dtype, file=file)
            for seed in share.seeds:
                problem = Problem(share.workload, case, seed)
                candidate = opened.on(draw_inputs(opened.spec, opened.case, seed))
                usual = objections(candidate, examiner.expectations(problem, candidate))
                found = Outcome(name, rung, seed, share.dtype, usual)
                if missed is None or name == HONEST or found.planting in missed:
                    found = examined(found, examiner.examine(problem, candidate))
                yield found


def examined(outcome: Outcome, verdict: Verdict) -> Outcome:
    """Return the outcome with samestep's verdict."""
    first = verdict.first_divergence
    return replace(
        outcome,
        verdict=verdict.verdict,
        tensor=first.tensor if first else None,
        kind=verdict.diagnosis.kind if verdict.diagnosis else None,
        reason=verdict.reason[:300] if verdict.reason else None,
    )


def objections(candidate: Candidate, expectations: Expectations) -> dict[str, bool]:
    """Return which usual checks object to the first step: its loss, gradients and new params."""
    spec, pairs = candidate.spec, []
    steps = [t for t, about in spec.tasks.items() if about.trains and not about.steps]
    try:
        for task in ("loss_and_grads", *steps):
            if candidate.offers(task):
                outputs, state = candidate.run(Place(0, task), candidate.adopt(candidate.params))
                got = outputs if state is None else {**outputs, **candidate.export(state)}
                expected = expectations.expect(task, candidate.point, task, 0).exact.all
                pairs += [(a, expected[n].astype(a.dtype)) for n, a in got.items()]
    except Exception:  # what crashes is detected by the usual checks too
        return dict.fromkeys(CHECKS, True)
    return {name: not all(check(a, b) for a, b in pairs) for name, check in CHECKS.items()}
