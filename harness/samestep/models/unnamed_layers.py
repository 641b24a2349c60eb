"""Layers of code that names none: of the values that it computes, those that are the other side's layers.

A function need not name anything to be looked into: the other model's layers are searched among all values
that it computes on the way. Those that are found are shown under the other's names. The first layer that is
not found is where it begins: the value that comes nearest stands for it, if it is near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.program import Refused, constant_digest
from samestep.models.comparison import compare_once
from samestep.models.conclude import verdict_of
from samestep.models.expected import Progress
from samestep.models.judging import Comparison
from samestep.models.on_the_way import Followed, ValueOnTheWay, by_place
from samestep.models.options import Options
from samestep.models.pairing.layer_search import LayerSearch
from samestep.models.pairing.value_table import is_constant
from samestep.models.prepare import Sides
from samestep.models.subject import Layer, ModelError, Subject
from samestep.models.tensors import Role, of_role
from samestep.models.value_in_place import find_in_place

#: A value that differs from a layer by less than this share of its norm stands for it: a mistake in an eps, a
#: form or a mask leaves most of a layer as it is, and unrelated values are further apart than their own norm.
NEAR = 2.0**-3


@dataclass(frozen=True)
class Unnamed:
    """Both sides with layers on the one that named none, the ``names`` of these, and what is said of it."""

    sides: Sides
    names: tuple[str, ...]
    notes: tuple[str, ...]


def with_layers_shown(comparison: Comparison, options: Options, progress: Progress) -> Comparison:
    """Return the comparison with layers on the side that names none; as it is where none can be shown."""
    try:
        unnamed = show_layers(comparison)
        if unnamed is None:
            return comparison
        named = replace(options, layers={name: name for name in unnamed.names})
        again = compare_once(unnamed.sides, comparison.asked, named, progress, again=False)
    except (ModelError, Refused) as error:
        return replace(comparison, notes=(*comparison.notes, f"no layers could be shown: {error}"))
    if verdict_of(again.judged) != verdict_of(comparison.judged):
        return comparison
    return replace(again, notes=(*unnamed.notes, *again.notes))


def show_layers(comparison: Comparison) -> Unnamed | None:
    """Return both sides with the layers of the side that names none; None where nothing can be shown.

    Raises `ModelError`.
    """
    sides, asked = comparison.sides, comparison.asked
    mine = of_role(comparison.run.exact or comparison.run.tensors, Role.LAYER)
    theirs = of_role(comparison.programs.own, Role.LAYER)
    if not mine and not theirs:
        return _show_values(comparison)
    if mine and theirs:
        return None
    side, nameless, named, question, shown = (
        ("reference", sides.reference, sides.candidate, asked.reference, mine)
        if mine
        else ("candidate", sides.candidate, sides.reference, asked.candidate, theirs)
    )
    if not isinstance(nameless, Followed):
        return None
    search = _Search(nameless.values_on_the_way(question), shown)
    found = search.found()
    notes = [f"the {side} names no layers: {len(found)} of {len(shown)} were found among its values"]
    kinds = {layer.name: layer.kind for layer in named.layers()}
    missing = next((name for name in _distinct(shown, question.inputs) if name not in found.values()), None)
    if missing is not None:
        notes.append(f"no value of the {side} is {missing} ({kinds.get(missing, 'a layer')})")
        later = search.after(missing, found)
        value = search.nearest(missing, later)
        how = "the nearest value"
        if value is None:
            value = find_in_place(comparison, missing, shown[missing].shape, later)
            how = "from which all that follows is right"
        if value is not None:
            found[value.number] = missing
            notes[-1] += f": compared with {value.place}, {how}"
    if not found:
        return None
    return Unnamed(_with_layers(sides, nameless, found, kinds), tuple(found.values()), tuple(notes))


def _show_values(comparison: Comparison) -> Unnamed | None:
    """Return both sides with the values as layers that both compute on the way, where neither has layers.

    After the last of these, the first value of the reference that one of the candidate's is near to is shown
    with that one: it begins there. Raises `ModelError`.
    """
    sides, asked = comparison.sides, comparison.asked
    reference, candidate = sides.reference, sides.candidate
    if not isinstance(reference, Followed) or not isinstance(candidate, Followed):
        return None
    theirs = by_place(reference.values_on_the_way(asked.reference))
    arrays = {name: value.array for name, value in theirs.items() if not is_constant(value.array)}
    shown = {name: arrays[name] for name in _distinct(arrays, asked.reference.inputs)}
    search = _Search(candidate.values_on_the_way(asked.candidate), shown)
    found = search.found()
    both = "1 value is" if len(found) == 1 else f"{len(found)} values are"
    notes = [f"neither side names layers: of what both compute, {both} the same"]
    order = list(shown)
    last = max((order.index(name) for name in found.values()), default=-1)
    for name in order[last + 1 :]:
        value = search.nearest(name, search.after(name, found))
        if value is not None:
            found[value.number] = name
            notes[-1] += f"; {name} was compared with {value.place}, the nearest value"
            break
    if not found:
        return None
    kinds = dict.fromkeys(found.values(), "")
    numbers = {theirs[name].number: name for name in found.values()}
    shown_sides = _with_layers(_with_layers(sides, candidate, found, kinds), reference, numbers, kinds)
    return Unnamed(shown_sides, tuple(found.values()), tuple(notes))


def _distinct(layers: Mapping[str, np.ndarray], inputs: Sequence[np.ndarray]) -> list[str]:
    """The layers whose values neither an input nor a layer before them has, as an identity's."""
    seen = {constant_digest(x) for x in inputs if x.dtype.kind == "f"}
    distinct = []
    for name, value in layers.items():
        digest = constant_digest(value)
        if digest not in seen:
            distinct.append(name)
        seen.add(digest)
    return distinct


def _with_layers(
    sides: Sides, nameless: Subject, found: Mapping[int, str], kinds: Mapping[str, str]
) -> Sides:
    assert isinstance(nameless, Followed)
    layers = {number: Layer(name, _kind(name, kinds), {}) for number, name in found.items()}
    shown = nameless.with_layers(layers)
    if nameless is sides.candidate:
        return replace(sides, candidate=shown)
    return replace(sides, reference=shown)


def _kind(name: str, kinds: Mapping[str, str]) -> str:
    """The kind of the layer that has a value of this name: a layer's own, or a part of what it returns."""
    while name and name not in kinds:
        name = name.rpartition(".")[0]
    return kinds.get(name, "value")


class _Search:
    """The other side's layers among the values that one side computes on the way."""

    def __init__(self, values: Sequence[ValueOnTheWay], layers: Mapping[str, np.ndarray]) -> None:
        # What is constant (zeros, ones) is near everything that is constant.
        self.values = [value for value in values if value.array.size and not is_constant(value.array)]
        self.layers = layers

    def found(self) -> dict[int, str]:
        """Return the layers that are found: by the number of the first value that each is."""
        arrays = {str(value.number): value.array for value in self.values}
        partners = LayerSearch(arrays, self.layers, {}, {}).partners()
        numbers: dict[str, int] = {}
        for number, arrangement in partners.items():
            numbers.setdefault(arrangement.sources[0], int(number))
        return {number: name for name, number in numbers.items()}

    def after(self, layer: str, found: Mapping[int, str]) -> list[ValueOnTheWay]:
        """Return the values after those of the layers before ``layer`` that are no layer themselves."""
        order = list(self.layers)
        before = [number for number, name in found.items() if order.index(name) < order.index(layer)]
        last = max(before, default=-1)
        return [value for value in self.values if value.number > last and value.number not in found]

    def nearest(self, layer: str, values: Sequence[ValueOnTheWay]) -> ValueOnTheWay | None:
        """Return the value that is nearest to a layer; None where none is near."""
        arrays = {str(value.number): value.array for value in values}
        search = LayerSearch(arrays, {layer: self.layers[layer]}, {}, {})
        best, smallest = None, NEAR
        for value in values:
            found = search.nearest(str(value.number))
            if found and found[0][0] < smallest:
                best, smallest = value, found[0][0]
        return best
