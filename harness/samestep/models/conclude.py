"""From what both questions say to one verdict, with the place where it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from samestep.agreement.verdict import ABSTAINS, AGREE, DISAGREE, WEAKER
from samestep.models.arithmetic_check import ArithmeticStatistics
from samestep.models.coverage import Coverage
from samestep.models.function_check import FunctionStatistics
from samestep.models.judged import JudgedTensor
from samestep.models.judging import Comparison
from samestep.models.result import First
from samestep.models.said_of_pairing import said_of_copies
from samestep.models.subject import innermost
from samestep.models.tensors import Role, TensorKey

#: The kind of a layer that a caller only named.
TAG = "tag"

#: Words for counted tensors.
COUNTED = {
    Role.LAYER: ("layer", "layers"),
    Role.OUTPUT: ("output", "outputs"),
    Role.LOSS: ("loss", "losses"),
    Role.STATE: ("state", "states"),
    Role.LAYER_GRADIENT: ("gradient at a layer", "gradients at layers"),
    Role.INPUT_GRADIENT: ("gradient of an input", "gradients of inputs"),
    Role.GRADIENT: ("gradient of a parameter", "gradients of parameters"),
    Role.UPDATE: ("parameter after a step", "parameters after steps"),
}


def verdict_of(judged: Sequence[JudgedTensor]) -> str:
    """Return the worst state of any tensor; `abstains` where nothing was compared."""
    states = {tensor.state for tensor in judged}
    return next((state for state in (DISAGREE, WEAKER, AGREE) if state in states), ABSTAINS)


def first_of(judged: Sequence[JudgedTensor], state: str, kinds: Mapping[str, str]) -> First | None:
    """Return the first tensor in that state, in the order of computation, with its numbers."""
    states = [tensor.state for tensor in judged]
    if state not in states:
        return None
    at = states.index(state)
    return _place(judged[at], kinds, inputs_agree=at > 0 and set(states[:at]) == {AGREE})


def kinds_of(comparison: Comparison) -> dict[str, str]:
    """Return what each of the candidate's layers is: in its own words, else in the reference's."""
    theirs = {layer.name: layer.kind for layer in comparison.sides.reference.layers()}
    kinds = {}
    for layer in comparison.sides.candidate.layers():
        link = comparison.links.layers.links.get(layer.name)
        partner = theirs.get(link.sources[0]) if link and len(link.sources) == 1 else None
        kinds[layer.name] = partner if layer.kind == TAG and partner else layer.kind
    return kinds


def faults_of(forced: Comparison | None, state: str, kinds: Mapping[str, str]) -> list[First]:
    """Return the layers and parameters that are wrong by themselves, in the order of computation.

    A layer's output and the gradients that it makes are one finding: where a layer is wrong, gradients that
    are wrong too are what it hands back, and are not listed beside it. Nothing goes on from the candidate's
    outputs, so a loss inherits what is wrong there.
    """
    if forced is None:
        return []
    wrong = [tensor for tensor in forced.judged if tensor.state == state]
    forward = [tensor for tensor in wrong if not tensor.key.is_backward]
    if any(tensor.key.role is Role.OUTPUT for tensor in forward):
        forward = [tensor for tensor in forward if tensor.key.role is not Role.LOSS]
    found: dict[str, First] = {}
    inherits = _lacks_layers(forced)
    for tensor in forward or wrong:
        place = replace(_place(tensor, kinds, inputs_agree=True), inherits=inherits)
        found.setdefault(place.layer or place.tensor, place)
    return list(found.values())


def _lacks_layers(forced: Comparison) -> bool:
    """Whether layers of the reference were not compared, so that those after them may inherit."""
    compared = {source for link in forced.links.layers.links.values() for source in link.sources}
    return any(key.role is Role.LAYER and key.name not in compared for key in forced.programs.own)


def _place(tensor: JudgedTensor, kinds: Mapping[str, str], inputs_agree: bool) -> First:
    key, function, arithmetic = tensor.key, tensor.function, tensor.arithmetic
    layer = _layer_of(key, kinds)
    kind = kinds.get(layer) if layer else None
    found: FunctionStatistics | ArithmeticStatistics
    wrong = arithmetic.wrong if arithmetic is not None else None
    if function is not None and not function.same:
        found, error, limit = function, function.error, function.limit
    else:
        assert arithmetic is not None  # what is beyond its limits was asked one question at least
        found = arithmetic
        error = abs(arithmetic.got - arithmetic.expected)
        limit = error / tensor.share if tensor.share else 0.0
    return First(
        layer, kind, str(key), found.index, found.got, found.expected, error, limit, tensor.share,
        exact=found is function, inputs_agree=inputs_agree, wrong=wrong,
    )  # fmt: skip


def _layer_of(key: TensorKey, kinds: Mapping[str, str]) -> str | None:
    """The layer that a tensor belongs to: its own name, or the longest layer that a parameter lies in."""
    if key.role is Role.LAYER:
        return key.name
    if key.role not in (Role.GRADIENT, Role.STATE):
        return None
    return innermost(kinds, key.name)


def counted(counts: Mapping[Role, int]) -> tuple[str, ...]:
    """Return how many tensors there are of each role, in words."""
    return tuple(
        f"{counts[role]} {word if counts[role] == 1 else plural}"
        for role, (word, plural) in COUNTED.items()
        if counts.get(role)
    )


def _without_gradients(comparison: Comparison) -> str:
    """Why no gradient of a parameter was compared."""
    shown = {"candidate": comparison.run.tensors, "reference": comparison.programs.own}
    lacking = [side for side, x in shown.items() if not any(key.role is Role.GRADIENT for key in x)]
    if not lacking:
        return "none of both sides correspond"
    return f"the {' and the '.join(lacking)} {'gives' if len(lacking) == 1 else 'give'} none"


def _grouped(said: Mapping[TensorKey, str]) -> tuple[list[str], list[str]]:
    """Return a line for each kind of tensor and what is ``said`` of it, and the names left out there."""
    groups: dict[tuple[Role, str], list[TensorKey]] = {}
    for key, text in said.items():
        groups.setdefault((key.role, text), []).append(key)
    lines, left_out = [], []
    for (_, text), (first, *others) in groups.items():
        lines.append(f"{first}{text}" + (f" (and so {len(others)} more)" if others else ""))
        left_out += [f"not examined as {first} is not: {', '.join(map(str, others))}"] if others else []
    return lines, left_out


def coverage_of(
    comparison: Comparison, hidden: Sequence[str], notes: Sequence[str], judged: Sequence[JudgedTensor]
) -> Coverage:
    """Return what was examined and what was not."""
    candidate, reference = comparison.sides.candidate, comparison.sides.reference
    counts = Counter(tensor.key.role for tensor in judged)
    links = comparison.links
    nameless = not any(key.role is Role.LAYER for key in comparison.programs.own)
    said = {
        key: f": {reason}"
        for key, reason in links.unmatched_candidate.items()
        if not (nameless and key.role is Role.LAYER)
    }
    said |= dict.fromkeys(links.unmatched_reference, " of the reference has no counterpart")
    unmatched, left_out = _grouped(said)
    if nameless and any(key.role is Role.LAYER for key in links.unmatched_candidate):
        unmatched.append("layers: the reference names none")
    differing = [f"{key}: {text}" for key, text in links.differing.items()]
    not_asked = []
    if comparison.run.program is None:
        not_asked.append(f"whether it is the same function in float64 ({comparison.run.reason})")
    if not any(tensor.key.role is Role.GRADIENT for tensor in judged):
        not_asked.append(f"gradients of parameters: {_without_gradients(comparison)}")
    return Coverage(
        modes=(f"candidate: {candidate.describe()}", f"reference: {reference.describe()}"),
        seen=counted(counts),
        unmatched=tuple(unmatched),
        not_asked=tuple(not_asked),
        hidden=tuple(hidden),
        notes=(*differing, *said_of_copies(links.parameters), *comparison.sides.notes, *notes),
        asides=tuple(left_out),
    )
