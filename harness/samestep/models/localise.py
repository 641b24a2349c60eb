"""Where does it begin? Every layer of the reference on the candidate's own inputs: no error is inherited.

In a free run one wrong layer makes all that follow wrong. Here the reference goes on, after each layer that
both sides show, from the candidate's own value, and in the backward pass from the candidate's own gradient:
what differs then is wrong by itself, and two faults are two findings.
"""

from __future__ import annotations

from dataclasses import replace

from samestep.models.expected import Progress
from samestep.models.judging import Comparison, Judge
from samestep.models.options import Options
from samestep.models.runs import CandidateRun, open_programs
from samestep.models.tensors import Role
from samestep.models.twice import Twice


def force_layers(comparison: Comparison, options: Options, progress: Progress) -> Comparison | None:
    """Return the comparison of every layer by itself; None where no layer is shown by both sides.

    Where the candidate has an exact run, the layers go on from its exact values, and differences are those of
    the functions; else from what it really gave. Raises `ModelError` and `Refused`.
    """
    links, run = comparison.links, comparison.run
    exact = run.exact is not None and any(tensor.state == "disagree" for tensor in comparison.judged)
    shown = run.exact if exact and run.exact is not None else run.tensors
    values = links.to_reference(
        {key: value for key, value in shown.items() if key.role in (Role.LAYER, Role.LAYER_GRADIENT)}
    )
    values = {key: value for key, value in values.items() if key in comparison.programs.own}
    if not any(key.role is Role.LAYER for key in values):
        return None
    asked = replace(comparison.asked, reference=replace(comparison.asked.reference, forced=values))
    programs = open_programs(comparison.sides.reference, asked.reference, options.contract)
    one = CandidateRun(Twice({}, {}), run.program, run.exact, None) if exact else replace(run, program=None)
    few = options.with_few_replicas
    return Judge(comparison.sides, asked, one, programs, links, few, forced=True).compare(progress)
