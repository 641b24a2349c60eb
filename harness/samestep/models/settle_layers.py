"""Which layers after a fault are which: the reading under which most of what follows is right.

Where several readings explain as much, what comes next is wrong by itself only if it is under each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from samestep.agreement.arithmetic.program import Refused
from samestep.models.expected import Progress
from samestep.models.judging import Comparison, Judge
from samestep.models.layer_readings import Reader, Reading
from samestep.models.options import Options
from samestep.models.pairing.arrangement import Arrangement
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey

#: The reference is run about this often at most: four axes of one length have 24 orders, in two turns.
MOST_RUNS = 64


def with_layers_settled(comparison: Comparison, options: Options, progress: Progress) -> Comparison:
    """Return the comparison with partners for guessed layers that explain what follows them.

    It is as it was where nothing was guessed, or where the reference cannot go on from given values.
    """
    layers = comparison.links.layers
    reader = Reader(comparison, layers)
    if not reader.guessed:
        return comparison
    try:
        settled = Settled(reader)
        settled.settle()
    except (ModelError, Refused) as error:
        note = f"which layers after the first difference are which is told by names and places alone: {error}"
        return replace(comparison, notes=(*comparison.notes, note))
    made = layers.with_guesses(settled.guesses, settled.told)
    made = replace(made, explaining=frozenset(settled.explaining), doubtful=frozenset(settled.doubtful))
    links = replace(comparison.links, layers=made)
    if all(_same(way, layers.links[name].terms[0]) for name, way in settled.guesses.items()):
        return replace(comparison, links=links)
    sides, asked, run, programs = comparison.sides, comparison.asked, comparison.run, comparison.programs
    again = Judge(sides, asked, run, programs, links, options).compare(progress)
    return replace(again, reference_twice=comparison.reference_twice)


def _same(one: Arrangement | None, other: Arrangement) -> bool:
    return one is not None and one.form == other.form


@dataclass
class Settled:
    """The ``guesses`` so far; ``told`` are the layers whose values then say what they are.

    ``missed`` are the layers and outputs that are nothing which the reference makes: ``explaining`` are those
    under one reading of which, and no other, what follows is right, ``doubtful`` those that may be right.
    """

    reader: Reader
    guesses: dict[str, Arrangement | None] = field(init=False)
    told: set[str] = field(init=False, default_factory=set)
    explaining: set[str] = field(init=False, default_factory=set)
    missed: list[TensorKey] = field(init=False)
    doubtful: set[TensorKey] = field(init=False, default_factory=set)

    def settle(self) -> None:
        """Look for better readings until none is found. Raises `ModelError` and `Refused`."""
        self.guesses = dict(self.reader.guessed)
        found = self.reader.read(self.guesses)
        self._believe(found.partners)
        self.missed = [key for key in self.reader.order if key not in found.right]
        before = None
        while self.missed != before and any(map(self._is_in_question, self.missed)):
            before = [*self.missed]
            self.doubtful = set()
            for turn in (0, 1):  # what comes next must be free to be itself
                self._try_readings(before[turn::2], before)
            if self.reader.runs > MOST_RUNS:
                self.doubtful.update(self.missed[1:])
                break
        self.doubtful &= {*self.missed}

    def _is_in_question(self, key: TensorKey) -> bool:
        """Whether what follows may be wrong because this layer was read wrongly.

        If all that follows is right it was not; nor if the next one is, and its axes differ in length.
        """
        if key.role is not Role.LAYER or key not in self.missed or key == self.missed[-1]:
            return False
        following = self.reader.order[self.reader.order.index(key) + 1]
        return following in self.missed or self.reader.has_axes_of_one_length(key.name)

    def _try_readings(self, keys: Sequence[TensorKey], missed: Sequence[TensorKey]) -> None:
        """Try all readings of these layers, one of each at a time: they reach only as far as the next."""
        readings = {
            key: self.reader.readings(key.name, self.guesses)
            if self._is_in_question(key)
            else [self.guesses[key.name]]
            for key in keys
            if key.role is Role.LAYER
        }
        trials = [
            self.reader.read({key.name: ways[min(n, len(ways) - 1)] for key, ways in readings.items()})
            for n in range(max(map(len, readings.values()), default=0))
        ]
        for key, ways in readings.items():
            self._choose(key, ways, trials[: len(ways)], self._stretch(key, missed))

    def _choose(
        self,
        key: TensorKey,
        ways: Sequence[Arrangement | None],
        trials: Sequence[Reading],
        stretch: Sequence[TensorKey],
    ) -> None:
        """Keep the way under which most of the stretch after a layer is right, the first of equal ones."""
        right = [trial.right.intersection(stretch) for trial in trials]
        most = max(map(len, right))
        tied = [n for n, keys in enumerate(right) if len(keys) == most]
        best, layers = tied[0], [k.name for k in right[tied[0]] if k.role is Role.LAYER]
        self.guesses[key.name] = ways[best]
        if most and len(tied) == 1 < len(ways):
            self.explaining.add(key.name)
        self._believe({name: trials[best].partners[name] for name in layers})
        self.missed = [k for k in self.missed if k not in right[best]]
        unsure = any(ways[n] is None for n in tied) and not self._is_sure(key.name)
        elsewhere = frozenset().union(*(right[n] for n in tied))
        self.doubtful |= {k for k in stretch if k in self.missed and (unsure or k in elsewhere)}

    def _stretch(self, key: TensorKey, missed: Sequence[TensorKey]) -> list[TensorKey]:
        """What follows a layer up to the next one that is missed; outputs may be missed one after another."""
        order = self.reader.order
        following = order[order.index(key) + 1 :]
        later = [k for k in missed if k in following]
        end = following.index(later[0]) + 1 if later and later[0].role is Role.LAYER else len(following)
        return following[:end]

    def _is_sure(self, name: str) -> bool:
        source = self.reader.guessed[name].sources[0]
        return self.reader.is_sure(name, source)

    def _believe(self, partners: Mapping[str, Arrangement]) -> None:
        self.guesses.update(partners)
        self.told.update(partners)
