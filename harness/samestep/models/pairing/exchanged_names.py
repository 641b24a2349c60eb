"""Parameters that were loaded the wrong way round: each holds what the other's name calls for.

Values say which parameter is which, names what it was meant to be. Names alone say little (a third layer may
be called 2 or 4), but parameters of one shape whose names call for each other's values were swapped.
"""

from __future__ import annotations

from collections.abc import Mapping

from samestep.models.pairing.linear_map import LinearMap
from samestep.models.pairing.parameter_names import common_tail

#: A last word alone ("weight") names nothing; with the word or number before it, it may.
FEWEST_WORDS = 2


def exchanged_names(links: LinearMap) -> list[tuple[str, str]]:
    """Return the candidate's parameters that hold each other's values, each with what it holds."""
    held = {
        name: link.sources[0]
        for name, link in links.links.items()
        if len(link.terms) == 1 and link.terms[0].whole and not link.terms[0].weight_differs
    }
    holders = {source: name for name, source in held.items()}
    called = {name: holders[wanted] for name in held if (wanted := _called_for(name, held, links)) in holders}
    return [(name, held[name]) for name in held if _returns(name, called)]


def _called_for(name: str, held: Mapping[str, str], links: LinearMap) -> str | None:
    """The one source of the same shape that a name ends like, more than like that which it holds."""
    own = held[name]
    alike = [s for s in held.values() if links.shapes[s] == links.shapes[own]]
    tails = {source: common_tail(name, source) for source in alike}
    best = max(tails.values())
    if best < FEWEST_WORDS or best <= tails[own] or [*tails.values()].count(best) > 1:
        return None
    return max(tails, key=tails.__getitem__)


def _returns(name: str, called: Mapping[str, str]) -> bool:
    """Whether going from each to the one that holds what it is called leads back to ``name``."""
    at, steps = called.get(name), 0
    while at is not None and at != name and steps < len(called):
        at, steps = called.get(at), steps + 1
    return at == name
