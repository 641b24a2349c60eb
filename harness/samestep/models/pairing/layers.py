"""Which of the reference's layers is which of the candidate's, from the user's names or from the values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.models.pairing.arrangement import Arrangement
from samestep.models.pairing.layer_alignment import by_position, told_by_names
from samestep.models.pairing.layer_patterns import Pattern, matched
from samestep.models.pairing.layer_search import LayerSearch, NearMiss
from samestep.models.pairing.linear_map import Counterpart, LinearMap, Values
from samestep.models.tensors import TensorKey


@dataclass(frozen=True)
class LayerMap(LinearMap):
    """From the reference's layers to the candidate's; names are in the order of the calls.

    ``first_without_partner``: of the candidate's layers the first that should have had one with its values,
    which is where a fault begins. ``written``: layers that the user named a partner for; ``positions``: those
    whose partner is told by its place.
    ``unclear``: those of which several layers hold the same values (dropout in eval), so that which
    gradient belongs to them is not known. ``explaining``: layers of ``positions`` under whose
    partner, and no other, what follows is right. ``doubtful``: layers and outputs of which it is not known
    whether they are wrong by themselves, as what comes before them can be read in several ways.
    """

    first_without_partner: NearMiss | None = None
    written: frozenset[str] = frozenset()
    positions: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()
    explaining: frozenset[str] = frozenset()
    doubtful: frozenset[TensorKey] = frozenset()

    def with_guesses(self, guesses: Mapping[str, Arrangement | None], told: Collection[str] = ()) -> LayerMap:
        """Return the map with other guesses for layers whose partner is told by its place; None: it has none.

        Those ``told`` by their values, as the reference goes on from the candidate's, are guesses no more.
        """
        links = {name: link for name, link in self.links.items() if name not in guesses}
        links |= {name: Counterpart((way,), way.how) for name, way in guesses.items() if way is not None}
        alone = {name for name, way in guesses.items() if way is None}
        used = {source for link in links.values() for source in link.sources}
        return replace(
            self,
            links={name: links[name] for name in (*self.links, *guesses) if name in links},
            unmapped={
                **self.unmapped,
                **dict.fromkeys(alone, "it shows something else than any layer there"),
            },
            reference_only=tuple(name for name in self.shapes if name not in used),
            positions=self.positions - alone - frozenset(told),
        )

    @property
    def for_gradients(self) -> LinearMap:
        """The same links, without those of which it is not known whose gradient is theirs."""
        links = {name: link for name, link in self.links.items() if name not in self.unclear}
        reason = "several layers have its values, and none clearly its gradient"
        return LinearMap(links, self.shapes, dict.fromkeys(self.unclear, reason))


def pair_layers(
    reference: Values,
    candidate: Values,
    layers: Mapping[Pattern, Pattern] | None = None,
    reference_gradients: Values | None = None,
    candidate_gradients: Values | None = None,
) -> LayerMap:
    """Return the map between the layers of both sides: arrays by name, in the order of the calls.

    ``layers`` are pairs that the user wrote, candidate -> reference: ``{i}`` for an index, a tuple for layers
    that the other side fuses; where several axes fit, values choose. The others are found by value, under
    moved, merged and split axes; the reference's values are exact. Layers of the same values are told apart
    by the gradients at them, where they are given. What is near no layer of the reference is paired by its
    names and its place between its neighbours.

    Raises `ModelError` for a pattern that matches nothing, for a name that the reference does not have, and
    for shapes that do not fit.
    """
    written = matched(layers or {}, candidate, reference)
    left = {name: value for name, value in candidate.items() if name not in written}
    used = {source for way in written.values() for source in way.sources}
    free = {name: value for name, value in reference.items() if name not in used}
    search = LayerSearch(left, free, candidate_gradients or {}, reference_gradients or {})
    near = told_by_names(reference, written | search.partners(), written)
    placed = by_position(candidate, reference, near)
    found = near | placed
    alone = [name for name in candidate if name not in near]
    first = next((name for name in alone if name in placed), next(iter(alone), None))
    reason = "none of the reference's layers has its values, or its place and its shape"
    return LayerMap(
        {name: Counterpart((found[name],), found[name].how) for name in candidate if name in found},
        {name: np.shape(value) for name, value in reference.items()},
        {name: reason for name in alone if name not in placed},
        tuple(name for name in free if name not in {s for way in found.values() for s in way.sources}),
        first_without_partner=None if first is None else search.near_miss(first, placed.get(first)),
        written=frozenset(written),
        positions=frozenset(placed),
        unclear=frozenset(search.unclear),
    )
