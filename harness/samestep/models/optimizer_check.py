"""Optimiser steps asked both questions: in exact arithmetic, and as they really come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.models.arithmetic_check import check_arithmetic
from samestep.models.as_held import is_wide
from samestep.models.expected import Expected, Progress, ReferencePrograms, measure_expected
from samestep.models.forced_steps import (
    after,
    before,
    candidate_steps_at,
    run_candidate_steps,
    to_reference,
)
from samestep.models.function_check import FunctionCheck, FunctionStatistics
from samestep.models.judged import JudgedTensor
from samestep.models.judging import Comparison, judged_tensors
from samestep.models.options import Options
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.question import Steps
from samestep.models.recorded.recorded_subject import RecordedSubject
from samestep.models.runs import naming
from samestep.models.subject import Layer
from samestep.models.tensors import TensorKey, Tensors


@dataclass(frozen=True)
class UpdateLinks:
    """Takes updates of both sides to new parameters: what a step started from, plus its update."""

    links: Correspondence
    steps: Steps

    def apply(self, reference: Tensors) -> Tensors:
        """Return the new parameters that the reference's updates say."""
        return after(self.links.apply(reference), self.steps)

    def comparable(self, candidate: Tensors) -> Tensors:
        """Return the new parameters that the candidate's updates make."""
        return after(self.links.comparable(candidate), self.steps)


@dataclass(frozen=True, eq=False)
class StepsComparison:
    """The new parameters after each forced step, judged, and what they were judged by.

    ``given`` are the steps as the candidate made them, ``real`` its new parameters and ``exact`` those in
    exact arithmetic, None where its optimiser has no engine. ``optimizer`` is what the reference's is, where
    that can be told: its kind ("adam") and its settings.
    """

    judged: tuple[JudgedTensor, ...]
    given: Steps
    expected: Expected
    real: Tensors
    exact: Tensors | None
    optimizer: Layer | None

    def got(self, tensor: JudgedTensor) -> tuple[np.ndarray, bool]:
        """Return what the candidate has that differs, and whether that is in exact arithmetic."""
        if self.exact is not None and tensor.is_another_function:
            return self.exact[tensor.key], True
        return self.real[tensor.key], False


def check_steps(comparison: Comparison, options: Options, progress: Progress) -> StepsComparison | None:
    """Return the new parameters after each forced step, judged; None where none is asked for.

    Raises `ModelError`.
    """
    if options.optimizer is None:
        return None
    mine, theirs = options.optimizer
    candidate, reference = comparison.sides.candidate, comparison.sides.reference
    wide = is_wide(candidate.parameters()) and is_wide(reference.parameters())
    held = np.dtype(np.float64 if wide else np.float32)
    recorded = reference.part.steps if isinstance(reference, RecordedSubject) else None
    with naming("optimizer[0], the candidate's"):
        if recorded is not None:
            run = candidate_steps_at(candidate, mine, recorded, comparison.links)
        else:
            run = run_candidate_steps(candidate, mine, comparison.asked.candidate, options.steps, held)
    links = UpdateLinks(comparison.links, run.steps)
    with naming("optimizer[1], the reference's"):
        program = reference.steps_program(theirs, recorded or to_reference(run.steps, comparison.links))
        programs = ReferencePrograms(program, program, program.exact())
    start = before(run.steps)
    expected = measure_expected(
        programs, links.apply, start, options.replicas, options.seed, progress,
        [*run.after] if wide else (), comparison.links,
    )  # fmt: skip
    shown = {key: value for key, value in run.after.items() if key in expected.exact}
    arithmetic = check_arithmetic(shown, expected, start)
    function: dict[TensorKey, FunctionStatistics] = {}
    exact: Tensors | None = None
    try:
        own = candidate.steps_program(mine, run.steps)
        found = own.exact()
        function = FunctionCheck(own, program, expected, links, options.seed).run(found)
        exact = links.comparable(found)
    except Refused:
        function = {}  # the candidate's optimiser has no engine: its real steps are judged alone
    function = {key: found for key, found in function.items() if key in arithmetic}
    judged = judged_tensors(comparison.links, expected, function, arithmetic)
    return StepsComparison(judged, run.steps, expected, shown, exact, reference.optimizer_settings(theirs))
