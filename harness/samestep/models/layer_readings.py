"""What a guess about a layer after a fault explains: the reference goes on from the candidate's value there.

Nothing after a fault has the reference's values, so that partners are guessed by name and place. Where the
reference goes on from what the candidate gives at a layer, what follows is right again if the guess is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from samestep.agreement.arithmetic.program import Contract
from samestep.models.conclude import TAG
from samestep.models.fitting.layer_kinds import KINDS, layer_kind
from samestep.models.judging import Comparison
from samestep.models.nearness import is_near
from samestep.models.pairing.arrangement import Arrangement
from samestep.models.pairing.layer_search import LayerSearch, ways
from samestep.models.pairing.layers import LayerMap
from samestep.models.pairing.parameter_names import path
from samestep.models.subject import Layer
from samestep.models.tensors import Role, TensorKey, Tensors, of_role

#: Layers of the candidate, each with its partner and the order of its axes; None for no partner.
Guesses = Mapping[str, Arrangement | None]


@dataclass(frozen=True)
class Reading:
    """What the reference then makes of layers and outputs: ``right``, with the ``partners`` of the layers."""

    partners: Mapping[str, Arrangement]
    right: frozenset[TensorKey]


class Reader:
    """Runs the reference from the candidate's values at its layers, under one guess after another.

    ``guessed`` are the guesses that the layers were paired by, and ``order`` these layers and the outputs, as
    they are computed.
    """

    def __init__(self, comparison: Comparison, layers: LayerMap) -> None:
        self.comparison, self.layers = comparison, layers
        shown = comparison.run.exact or comparison.run.tensors
        self.mine, self.outputs = of_role(shown, Role.LAYER), of_role(shown, Role.OUTPUT)
        self.theirs = of_role(comparison.programs.own, Role.LAYER)
        self.guessed = {n: layers.links[n].terms[0] for n in self.mine if self._is_guessed(n)}
        self.order = [TensorKey(Role.LAYER, name) for name in self.guessed]
        self.order += [TensorKey(Role.OUTPUT, name) for name in comparison.links.outputs.links]
        known = {name: link for name, link in layers.links.items() if name not in self.guessed}
        self._taken = {source for link in known.values() for source in link.sources}
        self._made: dict[object, Reading] = {}

    def _is_guessed(self, name: str) -> bool:
        """Whether its place says which layer it is; or the user does, and nothing tells its axes apart."""
        if name not in self.layers.written or not self.has_axes_of_one_length(name):
            return name in self.layers.positions
        link = self.layers.links[name]
        way = link.terms[0]
        moved = len(link.terms) == 1 and way.whole and sorted(way.source_shapes[0]) == sorted(way.shape)
        return moved and not is_near(self.mine[name], link.apply(self.theirs))

    @property
    def runs(self) -> int:
        """How often the reference was run."""
        return len(self._made)

    def read(self, guesses: Guesses) -> Reading:
        """Return what follows if it goes on from these layers. Raises `ModelError` and `Refused`."""
        key = tuple((name, way and way.form) for name, way in guesses.items())
        if key not in self._made:
            self._made[key] = self._read(guesses)
        return self._made[key]

    def _read(self, guesses: Guesses) -> Reading:
        made = self._forced(guesses)
        free = {name: x for name, x in of_role(made, Role.LAYER).items() if name not in self._taken}
        alone = {n: x for n, x in self.mine.items() if n in self.guessed and self._choice(n, guesses) is None}
        partners = LayerSearch(alone, free, {}, {}).partners()
        for name in self.guessed:
            chosen = self._choice(name, guesses)
            if chosen is not None:
                few = {source: free[source] for source in chosen if source in free}
                partners |= LayerSearch({name: self.mine[name]}, few, {}, {}).partners()
        expected = self.comparison.links.outputs.apply(of_role(made, Role.OUTPUT))
        outputs = [name for name, value in expected.items() if is_near(self.outputs[name], value)]
        right = [TensorKey(Role.LAYER, name) for name in partners]
        return Reading(partners, frozenset([*right, *(TensorKey(Role.OUTPUT, name) for name in outputs)]))

    def _choice(self, name: str, guesses: Guesses) -> list[str] | None:
        """Return the layers among which a partner is looked for; None for all of them.

        The user's word holds. Those after a layer that the reference goes on from may be made of its value.
        """
        way = guesses.get(name)
        if name in self.layers.written:
            return [*self.guessed[name].sources]
        return None if way is None else list(self.theirs)[: [*self.theirs].index(way.sources[0]) + 1]

    def _forced(self, guesses: Guesses) -> Tensors:
        asked, reference = self.comparison.asked, self.comparison.sides.reference
        every = {**dict.fromkeys(self.guessed), **guesses}
        values = self.layers.with_guesses(every).to_reference(self.mine)
        forced = {TensorKey(Role.LAYER, name): value for name, value in values.items()}
        return reference.program(replace(asked.reference, forced=forced), Contract.FLOAT32).exact()

    def readings(self, name: str, now: Guesses) -> list[Arrangement | None]:
        """Return what a layer may be: as it is guessed ``now``, with other axes, another partner, or none.

        Partners lie between those of the guessed layers before and after it.
        """
        way, shape = now[name], self.mine[name].shape
        found = [w.arrangement for s in self._between(name, now) for w in ways(s, self.theirs[s], shape)]
        source = None if way is None else way.sources[0]
        axes = [one for one in found if one.sources == (source,)]
        others: list[Arrangement | None] = [one for one in found if one.sources != (source,)]
        if source is not None and (name in self.layers.written or self._is_one_kind(name, source)):
            others = []
        elif way is not None:
            others.append(None)
        return [way, *(one for one in [*axes, *others] if one is None or way is None or one.form != way.form)]

    def _between(self, name: str, now: Guesses) -> list[str]:
        place = {source: number for number, source in enumerate(self.theirs)}
        names = list(self.guessed)
        at = names.index(name)
        before = [place[way.sources[0]] for n in names[:at] if (way := now[n]) is not None]
        after = [place[way.sources[0]] for n in names[at + 1 :] if (way := now[n]) is not None]
        first, last = max(before, default=-1), min(after, default=len(place))
        return [s for s in list(self.theirs)[first + 1 : last] if s not in self._taken]

    def is_sure(self, name: str, source: str) -> bool:
        """Return whether a layer is what its partner is: both of one kind, or of one name that was given."""
        kinds = [x.kind for x in self._pair(name, source) if x is not None]
        return self._is_one_kind(name, source) or (TAG in kinds and path(name)[-1] == path(source)[-1])

    def _is_one_kind(self, name: str, source: str) -> bool:
        pair = self._pair(name, source)
        kinds = [(layer_kind(x.kind), x.settings.get("activation")) for x in pair if x is not None]
        return len(kinds) == 2 and kinds[0] == kinds[1] and kinds[0][0] in KINDS

    def _pair(self, name: str, source: str) -> list[Layer | None]:
        sides = self.comparison.sides
        return [
            next((layer for layer in side.layers() if layer.name == wanted), None)
            for side, wanted in ((sides.candidate, name), (sides.reference, source))
        ]

    def has_axes_of_one_length(self, name: str) -> bool:
        """Return whether its shape does not tell which of a layer's axes is which."""
        lengths = [n for n in self.mine[name].shape if n > 1]
        return len({*lengths}) < len(lengths)
