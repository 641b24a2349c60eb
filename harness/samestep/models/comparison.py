"""A comparison from end to end: both sides run, are paired, asked both questions, and judged."""

from __future__ import annotations

from dataclasses import replace

from samestep.agreement.aside import let_go
from samestep.models.asked import Asked
from samestep.models.correspond import Shown, correspond
from samestep.models.expected import Progress
from samestep.models.judging import Comparison, Judge
from samestep.models.losses import check_classes
from samestep.models.options import Options
from samestep.models.pairing.outputs import pair_outputs
from samestep.models.prepare import Sides
from samestep.models.question import Question
from samestep.models.runs import call_reference_twice, open_programs, run_candidate
from samestep.models.tensors import Role, Tensors, of_role


def compare_once(
    sides: Sides, asked: Asked, options: Options, progress: Progress, again: bool = True
) -> Comparison:
    """Return what both questions say; without ``again`` neither side is called twice.

    Raises `ModelError`, and `Refused` for the reference.
    """
    run = run_candidate(sides.candidate, asked.candidate, again)
    _check_classes(asked.candidate, run.tensors)
    twice = call_reference_twice(sides.reference, asked.reference) if again else None
    programs = open_programs(sides.reference, asked.reference, options.contract)
    alike = _with_cotangents_of(asked, run.tensors, programs.own)
    if alike is not asked:
        asked, run = alike, run_candidate(sides.candidate, alike.candidate, again)
    links = correspond(
        Shown(run.exact or run.tensors, sides.candidate.parameters(), sides.candidate.state()),
        Shown(programs.own, sides.reference.parameters(), sides.reference.state()),
        sides,
        options,
    )
    for tensors in (run.exact or {}, run.tensors, programs.own):  # all of them were looked at
        for tensor in tensors.values():
            let_go(tensor)
    comparison = Judge(sides, asked, run, programs, links, options).compare(progress)
    return replace(comparison, reference_twice=twice)


def _check_classes(question: Question, tensors: Tensors) -> None:
    """What one framework clips, another wraps, and a third refuses."""
    logits = next((x for key, x in tensors.items() if key.role is Role.OUTPUT and x.dtype.kind == "f"), None)
    if question.loss == "cross_entropy" and question.targets is not None and logits is not None:
        check_classes(question.targets, logits.shape[-1])


def _with_cotangents_of(asked: Asked, tensors: Tensors, own: Tensors) -> Asked:
    """Return the question with the cotangents that the partners of the candidate's outputs have.

    Frameworks order the parts of an output otherwise: JAX sorts a dict, PyTorch leaves it as it is made.
    """
    mine, theirs = of_role(tensors, Role.OUTPUT), of_role(own, Role.OUTPUT)
    links = pair_outputs(theirs, mine).links
    floating = [[name for name, x in side.items() if x.dtype.kind not in "biu"] for side in (mine, theirs)]
    partners = [links[name].sources[0] for name in floating[0]]
    if asked.candidate.loss is not None or partners == floating[1] or {*partners} != {*floating[1]}:
        return asked
    numbers = tuple(map(floating[1].index, partners))
    return replace(asked, candidate=replace(asked.candidate, cotangents=numbers))
