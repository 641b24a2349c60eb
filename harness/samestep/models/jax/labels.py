"""Which tensor each evaluated tag is: calls are counted, and a gradient belongs to its value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from samestep.models.jax.definition import Layers
from samestep.models.jax.tagged_values import Kind, Tag
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import Role, TensorKey


@dataclass
class Labels:
    """The keys of evaluated tags: ``places`` where each is evaluated, ``again`` where it is recomputed."""

    places: dict[TensorKey, int] = field(default_factory=dict)
    again: dict[TensorKey, list[int]] = field(default_factory=dict)

    def of_role(self, role: Role) -> list[TensorKey]:
        """Return the keys of one role in the order of their evaluation."""
        return sorted((key for key in self.places if key.role is role), key=self.places.__getitem__)


def labelled(tags: Sequence[Tag], layers: Layers) -> Labels:
    """Return the keys of evaluated tags: calls are counted in order, and a gradient belongs to its value.

    A place in the code that is called several times, outside of a scan, has its gradients in the opposite
    order. Where some of them are missing, because a result is not used, which one belongs to which call
    cannot be told, and they have no key. Nor has what is computed again of such a place.
    """
    found = Labels()
    calls: Counter[tuple[str, str]] = Counter()
    groups: defaultdict[tuple[object, ...], Group] = defaultdict(lambda: {kind: [] for kind in Kind})
    names: dict[int, str] = {}
    for at, tag in enumerate(tags):
        groups[tag.name, tag.call, tag.turns][tag.kind].append(at)
        if tag.kind is Kind.VALUE:
            layer, output = layers.tags.get(tag.name, (tag.name, ""))
            calls[layer, output] += 1
            number = calls[layer, output]
            names[at] = f"{layer}#{number}{output}" if number > 1 else f"{layer}{output}"
            found.places[TensorKey(Role.LAYER, names[at])] = at
    for group in groups.values():
        values = group[Kind.VALUE]
        if len(values) == 1:
            found.again[TensorKey(Role.LAYER, names[values[0]])] = group[Kind.AGAIN]
        elif not group[Kind.AGAIN]:
            found.again.update({TensorKey(Role.LAYER, names[at]): [] for at in values})
        if len(values) == len(group[Kind.GRADIENT]):
            for at, value in zip(group[Kind.GRADIENT], reversed(values), strict=True):
                found.places[TensorKey(Role.LAYER_GRADIENT, names[value])] = at
    return found


def layers_met(tags: Sequence[Tag], layers: Layers) -> tuple[Layer, ...]:
    """Return the layers in the order of their first calls; what a user tagged is of the kind "tag"."""
    met: dict[str, Layer] = {}
    for tag in tags:
        name, _ = layers.tags.get(tag.name, (tag.name, ""))
        met.setdefault(name, layers.met.get(name, Layer(name, "tag", {})))
    return tuple(met.values())


def places_of(key: TensorKey, labels: Labels) -> list[int]:
    """Return where a forced ``key`` is evaluated. Raises `ModelError` for what cannot be forced."""
    if key not in labels.places:
        known = ", ".join(other.name for other in labels.of_role(key.role))
        raise ModelError(f"there is no {key} to force; there are {known or 'none'}")
    if key.role is Role.LAYER and key not in labels.again:
        raise ModelError(
            f"{key} is recomputed by jax.checkpoint and called several times: it cannot be forced"
        )
    return [labels.places[key], *labels.again.get(key, [])]
