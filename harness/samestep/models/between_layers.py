"""Does a mistake lie between two layers? Then what goes into the second one differs, and the layer is right.

What the code does between named modules (an activation that is a function, a residual, a scale, the attention
between projections) has no layer of its own, and a forced run shows it in the next layer's output. So that
layer is asked again on the candidate's own input: if it then gives what the candidate gives, it is right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.models.fitting.difference import Difference
from samestep.models.fitting.fit import Fitted
from samestep.models.fitting.fit_between import fit_between
from samestep.models.fitting.resolution import Resolution
from samestep.models.judged import JudgedTensor
from samestep.models.judging import Comparison
from samestep.models.layer_context import layer_of
from samestep.models.question import Question
from samestep.models.subject import ModelError, Subject
from samestep.models.tensors import Role, TensorKey, Tensors


@dataclass(frozen=True)
class Between:
    """What lies between the candidate's layer ``before`` ("the inputs" without one) and one that is right.

    ``diagnosis`` is the mistake there, None where nothing that is tried explains it.
    """

    before: str
    diagnosis: Fitted | None


def between_layers(
    forced: Comparison | None, difference: Difference | None, tensor: JudgedTensor
) -> Between | None:
    """Return what lies before a layer that is wrong in a ``forced`` run, and right on the candidate's input.

    ``difference`` is that of its output, in the reference's shape. None where the layer itself is wrong, and
    where it cannot be asked.
    """
    if forced is None or difference is None or tensor.key.role is not Role.LAYER or forced.run.exact is None:
        return None
    theirs = forced.links.name_of(tensor.key)[0]
    layer, is_first = layer_of(forced.sides.reference.layers(), forced.programs.own, theirs[0])
    if layer is None or not is_first or layer.name != theirs[0].name or "#" in tensor.key.name:
        return None
    sides, asked = forced.sides, forced.asked
    try:
        mine = [*_inputs(sides.candidate, asked.candidate, tensor.key.name).values()]
        expected = _inputs(sides.reference, asked.reference, layer.name)
        if [x.shape for x in mine] != [x.shape for x in expected.values()]:
            return None
        right = _given(sides.reference, asked.reference, theirs[0], dict(zip(expected, mine, strict=True)))
    except (ModelError, Refused):  # it has no inputs of its own: then nothing is said of what lies before it
        return None
    pairs = zip(mine, expected.values(), strict=True)
    got, wanted = next((pair for pair in pairs if _differ(*pair)), (None, None))
    if right is None or got is None or wanted is None or not Resolution.of(difference).is_rounding(right):
        return None
    return _explained(forced, theirs[0], wanted, got, str(tensor.key))


def _inputs(side: Subject, question: Question, layer: str) -> dict[TensorKey, np.ndarray]:
    """What goes into a layer of one side in its exact run."""
    alone = replace(question, inputs_of=frozenset({layer}))
    tensors = side.program(alone).exact()
    return {key: x for key, x in tensors.items() if key.role is Role.LAYER_INPUT}


def _given(side: Subject, question: Question, theirs: TensorKey, inputs: Tensors) -> np.ndarray | None:
    """What a layer of the reference gives on other inputs; None without a floating one."""
    floating = {key: x for key, x in inputs.items() if x.dtype.kind == "f"}
    others = {
        key: x
        for key, x in question.forced.items()
        if key.name != theirs.name and key.role is not Role.LAYER_GRADIENT
    }
    inputs_of = frozenset({theirs.name})
    alone = replace(question, inputs_of=inputs_of, forced={**others, **floating}, backward=False)
    return side.program(alone).exact().get(theirs) if floating else None


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype.kind == "f" and not np.array_equal(one, other, equal_nan=True)


def _explained(
    forced: Comparison, theirs: TensorKey, expected: np.ndarray, got: np.ndarray, name: str
) -> Between:
    own = {key: x for key, x in forced.programs.own.items() if key.role is Role.LAYER}
    names = [key.name for key in own]
    earlier = [n for n in names[: names.index(theirs.name)] if not theirs.name.startswith(f"{n}.")]
    terms: dict[str, np.ndarray] = {
        f"input {i}": x.astype(np.float64)
        for i, x in enumerate(forced.asked.reference.inputs)
        if x.dtype.kind == "f"
    }
    given = forced.asked.reference.forced
    terms |= {n: given.get(TensorKey(Role.LAYER, n), own[TensorKey(Role.LAYER, n)]) for n in earlier}
    found = fit_between(expected, got, terms, name)
    links = forced.links.layers.links.items()
    mine = {link.sources[0]: n for n, link in links if len(link.sources) == 1}
    shown = [mine[n] for n in earlier if n in mine]
    return Between(shown[-1] if shown else "the inputs", found)
