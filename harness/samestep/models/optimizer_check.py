"""Optimiser steps asked both questions: in exact arithmetic, and as they really come out."""

from __future__ import annotations

from dataclasses import dataclass

from samestep.agreement.arithmetic.program import Refused
from samestep.models.arithmetic_check import check_arithmetic
from samestep.models.comparison import Comparison
from samestep.models.correspond import reference_name
from samestep.models.expected import Progress, ReferencePrograms, measure_expected
from samestep.models.forced_steps import after, before, run_candidate_steps, to_reference
from samestep.models.function_check import FunctionCheck, FunctionStatistics
from samestep.models.judged import JudgedTensor
from samestep.models.options import Options
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.question import Steps
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


def check_steps(comparison: Comparison, options: Options, progress: Progress) -> list[JudgedTensor]:
    """Return the new parameters after each forced step, judged. Raises `ModelError`."""
    if options.optimizer is None:
        return []
    mine, theirs = options.optimizer
    candidate, reference = comparison.sides.candidate, comparison.sides.reference
    run = run_candidate_steps(candidate, mine, comparison.asked.candidate, options.steps)
    links = UpdateLinks(comparison.links, run.steps)
    program = reference.steps_program(theirs, to_reference(run.steps, comparison.links))
    programs = ReferencePrograms(program, program, program.exact())
    start = before(run.steps)
    expected = measure_expected(programs, links.apply, start, options.replicas, options.seed, progress)
    shown = {key: value for key, value in run.after.items() if key in expected.exact}
    arithmetic = check_arithmetic(shown, expected, start)
    function: dict[TensorKey, FunctionStatistics] = {}
    try:
        own = candidate.steps_program(mine, run.steps)
        function = FunctionCheck(own, program, expected, links, options.seed).run(own.exact())
    except Refused:
        function = {}  # the candidate's optimiser has no engine: its real steps are judged alone
    return [
        JudgedTensor(
            key, reference_name(comparison.links, key), value.shape, function.get(key), arithmetic[key]
        )
        for key, value in expected.exact.items()
        if key in arithmetic
    ]
