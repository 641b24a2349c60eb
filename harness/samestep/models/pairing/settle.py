"""Tell apart what values cannot: zeros, ones, symmetric matrices and copies.

In this order: what lies in the module of a known neighbour; what is called alike; what has the same gradient.
A name and a gradient that say different things say nothing, and what nothing tells stays unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from samestep.models.pairing.arrangement import Arrangement
from samestep.models.pairing.further_options import beside_kernel, stacks
from samestep.models.pairing.gradient_evidence import GradientEvidence
from samestep.models.pairing.parameter_names import common_tail, enclosing, lies_in
from samestep.nearest_name import listed

Values = Mapping[str, np.ndarray]
Options = dict[str, list[Arrangement]]

#: A last word alone ("bias") names nothing; with the word or number before it, it may.
FEWEST_WORDS = 2


class Settler:
    """The parameters that are known, ``decided``, and what is left of the choice for the others."""

    def __init__(
        self,
        reference: Values,
        candidate: Values,
        decided: Mapping[str, Arrangement],
        evidence: GradientEvidence | None,
        beside: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.beside = dict(beside)
        self.reference, self.candidate, self.evidence = reference, candidate, evidence
        self.decided = dict(decided)
        self.unknown: dict[str, str] = {}
        self._touched: set[str] = set()
        self._claimed = {name: np.zeros(np.shape(value), bool) for name, value in reference.items()}
        for term in decided.values():
            self._claim(term)

    def settle(self, options: Options) -> None:
        """Move what can be told from ``options`` to ``decided``; the rest is ``unknown``, with reasons."""
        self.left = {name: [*ways] for name, ways in options.items()}
        self._add_beside_kernels()
        for rule in (self._by_module, self._by_name, self._by_module, self._by_gradient, self._by_module):
            while found := rule():
                self._decide(found)
        for name, ways in self.left.items():
            several = sorted({source for way in self._in_module(name) for source in way.sources})
            fits = f"its values fit {listed(several)}" if ways else "the reference has no such values left"
            if len(ways) > len(several) == 1:
                fits += f" in {len(ways)} orders of its axes, and which one it is cannot be told"
            self.unknown.setdefault(name, fits)

    # -- what is claimed -------------------------------------------------------------------------------

    def _claim(self, term: Arrangement) -> None:
        self._touched.update(term.sources)
        term.put_back(np.ones(term.shape, bool), [self._claimed[source] for source in term.sources])

    def _decide(self, found: Options) -> None:
        for name, (way,) in found.items():
            self.decided[name] = way
            self._claim(way)
            del self.left[name]
        self.left = {name: self._free(ways) for name, ways in self.left.items()}

    def _free(self, ways: list[Arrangement]) -> list[Arrangement]:
        """Return the ways of which no element is claimed."""
        return [way for way in ways if self._touched.isdisjoint(way.sources) or not self._is_claimed(way)]

    def _is_claimed(self, way: Arrangement) -> bool:
        return way.whole or bool(way.apply([self._claimed[source] for source in way.sources]).any())

    def _add_beside_kernels(self) -> None:
        """Decide the biases that lie along one known kernel; else add stacks to what has no options."""
        known = dict(self.decided)
        for name in [*self.left]:
            value = np.asarray(self.candidate[name])
            ways = self._free(beside_kernel(name, value, self.reference, known))
            if len(ways) == 1:
                self.decided[name] = ways[0]
                self._claim(ways[0])
                del self.left[name]
            elif not self.left[name]:
                self.left[name] = [*ways, *stacks(value, self.reference)]
        self._decide({})

    # -- the rules: each returns what it decides, and nothing that two could be -------------------------

    def _by_module(self) -> Options:
        """Return what fits a single free place in the module around it, which nothing else fits."""
        inside = {name: self._in_module(name) for name in self.left}
        single = {name: ways for name, ways in inside.items() if len(ways) == 1}
        users = Counter(source for ways in inside.values() for way in ways for source in {*way.sources})
        return {name: ways for name, ways in single.items() if all(users[s] == 1 for s in ways[0].sources)}

    def _in_module(self, name: str) -> list[Arrangement]:
        """Return the options in the smallest of the modules around it that has any."""
        known = self.beside | {other: term.sources for other, term in self.decided.items()}
        for module in enclosing(name, known):
            ways = [w for w in self.left[name] if all(lies_in(source, module) for source in w.sources)]
            if ways:
                return ways
        return self.left[name]

    def _by_name(self) -> Options:
        """Return one whose name ends as one other does and no third, unless its gradient says otherwise."""
        for name in self.left:
            way = self._called_alike(name)
            if way is None or name in self.unknown:
                continue
            told = self.evidence.clearly(name, self.left[name]) if self.evidence else None
            if told is None or told is way:
                return {name: [way]}
            self.unknown[name] = (
                f"by its name it is {listed(way.sources)}, by its gradient {listed(told.sources)}"
            )
        return {}

    def _called_alike(self, name: str) -> Arrangement | None:
        ways = self._in_module(name)
        tails = [_tail(name, way) for way in ways]
        best = max(tails, default=0)
        if best < FEWEST_WORDS or tails.count(best) > 1:
            return None
        way = ways[tails.index(best)]
        return way if all(_tail(other, its) < best for other, its in self._rivals(name, way)) else None

    def _by_gradient(self) -> Options:
        """Return one whose gradient is near one option's, of which no other's is near."""
        if self.evidence is None:
            return {}
        for name, ways in self.left.items():
            way = self.evidence.clearly(name, ways) if name not in self.unknown else None
            if way and not any(self.evidence.near(*rival) for rival in self._rivals(name, way)):
                return {name: [way]}
        return {}

    def _rivals(self, name: str, term: Arrangement) -> list[tuple[str, Arrangement]]:
        """Return what else could be made of the tensors that ``term`` takes."""
        return [
            (other, way)
            for other, ways in self.left.items()
            for way in ways
            if other != name and set(way.sources) & set(term.sources)
        ]


def _tail(name: str, way: Arrangement) -> int:
    return min(common_tail(name, source) for source in way.sources)
