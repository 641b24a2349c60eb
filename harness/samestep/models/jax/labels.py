"""Which tensor each evaluated tag is: calls are counted, and a gradient belongs to its value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from samestep.models.jax.definition import Layers
from samestep.models.jax.tagged_values import Kind, Tag
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import Role, TensorKey

#: The evaluations of one place in the code, in one turn of the scans around it.
Group = dict[Kind, list[int]]


@dataclass
class Labels:
    """The keys of evaluated tags: ``places`` where each is evaluated, ``again`` where it is recomputed."""

    places: dict[TensorKey, int] = field(default_factory=dict)
    again: dict[TensorKey, list[int]] = field(default_factory=dict)

    def of_role(self, role: Role) -> list[TensorKey]:
        """Return the keys of one role in the order of their evaluation."""
        return sorted((key for key in self.places if key.role is role), key=self.places.__getitem__)

    def forced(self, key: TensorKey) -> list[int]:
        """Return where a forced ``key`` is evaluated. Raises `ModelError` for what cannot be forced."""
        if key not in self.places:
            known = ", ".join(other.name for other in self.of_role(key.role))
            raise ModelError(f"there is no {key} to force; there are {known or 'none'}")
        if key.role is Role.LAYER and key not in self.again:
            raise ModelError(f"{key} is called several times and checkpointed, so it cannot be forced")
        return [self.places[key], *self.again.get(key, [])]


def labelled(tags: Sequence[Tag], layers: Layers) -> Labels:
    """Return the keys of evaluated tags.

    A place in the code that is called several times, outside of a scan, has its gradients in the opposite
    order. Where some of them are missing, because a result is not used, which one belongs to which call
    cannot be told, and they have no key. Nor has what is computed again of such a place.
    """
    found = Labels()
    calls: Counter[tuple[str, str]] = Counter()
    groups: defaultdict[tuple[object, ...], Group] = defaultdict(lambda: {kind: [] for kind in Kind})
    names: dict[int, str] = {}
    for at, tag in enumerate(tags):
        if tag.name in layers.inputs:
            if tag.kind is Kind.VALUE:
                found.places.setdefault(TensorKey(Role.LAYER_INPUT, layers.inputs[tag.name]), at)
            continue
        groups[tag.name, tag.call, tag.turns][tag.kind].append(at)
        if tag.kind is Kind.VALUE:
            layer, output = layers.tags.get(tag.name, (tag.name, ""))
            calls[layer, output] += 1
            number = calls[layer, output]
            names[at] = f"{layer}#{number}{output}" if number > 1 else f"{layer}{output}"
            found.places[TensorKey(Role.LAYER, names[at])] = at
    for group in groups.values():
        _pair(group, names, found)
    return found


def _pair(group: Group, names: dict[int, str], found: Labels) -> None:
    """Give the gradients, and what is computed again, of one place to its values."""
    values, again, gradients = group[Kind.VALUE], group[Kind.AGAIN], group[Kind.GRADIENT]
    if len(values) == 1 or not again:
        found.again.update({TensorKey(Role.LAYER, names[at]): again for at in values})
    if len(values) == len(gradients):
        for at, value in zip(gradients, reversed(values), strict=True):
            found.places[TensorKey(Role.LAYER_GRADIENT, names[value])] = at


def layers_met(tags: Sequence[Tag], layers: Layers) -> tuple[Layer, ...]:
    """Return the layers in the order of their first calls; what a user tagged is of the kind "tag"."""
    met: dict[str, Layer] = {}
    for tag in (tag for tag in tags if tag.name not in layers.inputs):
        name, _ = layers.tags.get(tag.name, (tag.name, ""))
        met.setdefault(name, layers.met.get(name, Layer(name, "tag", {})))
    return tuple(met.values())
