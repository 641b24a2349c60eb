"""Where does it begin? Every layer of the reference on the candidate's own inputs: no error is inherited.

In a free run one wrong layer makes all that follow wrong. Here the reference goes on, after each layer that
both sides show, from the candidate's own value, and in the backward pass from the candidate's own gradient:
what differs then is wrong by itself, and two faults are two findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from samestep.models.expected import Progress
from samestep.models.judged import JudgedTensor
from samestep.models.judging import Comparison, Judge
from samestep.models.options import Options
from samestep.models.pairing.layers import LayerMap
from samestep.models.runs import CandidateRun, open_programs
from samestep.models.tensors import Role, Tensors
from samestep.models.twice import Twice


def force_layers(comparison: Comparison, options: Options, progress: Progress) -> Comparison | None:
    """Return the comparison of every layer by itself; None where no layer is shown by both sides.

    Where the candidate has an exact run, the layers go on from its exact values, and differences are those of
    the functions; else from what it really gave. Raises `ModelError` and `Refused`.
    """
    run = comparison.run
    exact = run.exact is not None and any(tensor.state == "disagree" for tensor in comparison.judged)
    shown = run.exact if exact and run.exact is not None else run.tensors
    values = to_go_on_from(comparison, shown)
    if not any(key.role is Role.LAYER for key in values):
        return None
    asked = replace(comparison.asked, reference=replace(comparison.asked.reference, forced=values))
    programs = open_programs(comparison.sides.reference, asked.reference, options.contract)
    one = CandidateRun(Twice({}, {}), run.program, run.exact, None) if exact else replace(run, program=None)
    few, links = options.with_few_replicas, comparison.links
    found = Judge(comparison.sides, asked, one, programs, links, few, forced=True).compare(progress)
    return replace(found, judged=tuple(_without_doubt(found.judged, links.layers)))


def _without_doubt(judged: Iterable[JudgedTensor], layers: LayerMap) -> Iterator[JudgedTensor]:
    """The tensors but those that may be wrong because a layer before them was read wrongly."""
    doubtful = layers.doubtful
    names = {key.name for key in doubtful if key.role is Role.LAYER}
    for tensor in judged:
        if tensor.key not in doubtful and not (
            tensor.key.role is Role.LAYER_GRADIENT and tensor.key.name in names
        ):
            yield tensor


def to_go_on_from(comparison: Comparison, shown: Tensors) -> Tensors:
    """Return what the candidate's ``shown`` tensors say of the reference's layers and gradients there.

    Layers that were paired by their place and left out are none of these: nothing may go on from there.
    """
    compared = {t.key for t in comparison.judged if t.key.role in (Role.LAYER, Role.LAYER_GRADIENT)}
    values = comparison.links.to_reference({key: x for key, x in shown.items() if key in compared})
    return {key: value for key, value in values.items() if key in comparison.programs.own}
