"""Does a model give the same again? One that remembers earlier calls is no function of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from samestep.models.arithmetic_check import check_arithmetic
from samestep.models.expected import Expected
from samestep.models.judging import Comparison
from samestep.models.nearness import is_near
from samestep.models.tensors import Role, Tensors
from samestep.models.twice import Twice

#: Names of what a call changes that are printed.
NAMED = 3

Translate = Callable[[Tensors], Tensors]


@dataclass(frozen=True)
class Repeatability:
    """How one ``side`` answers a second call.

    ``changes``: its result is another one, beyond rounding. ``from_the_start``: a fresh copy gives the first
    result again, so that what is said of the first call holds.
    """

    side: str
    twice: Twice
    changes: bool
    from_the_start: bool

    @property
    def reason(self) -> str:
        """What is said of a result that changes."""
        why = f": a call changes {self._named}" if self.twice.changed else ""
        if self.twice.error is not None:
            return f"a second call of the {self.side} fails{why}: {self.twice.error}"
        return f"the {self.side}'s result changes from call to call{why}"

    @property
    def _named(self) -> str:
        names = self.twice.changed
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f"{', '.join(names[:NAMED])}{more}"

    def notes(self) -> Iterator[str]:
        """Yield what is to be known of it where something can be said all the same."""
        if self.changes:
            yield f"{self.reason}; compared as in its first call"
        elif not self.twice.repeats:
            yield f"the {self.side} gives other bits from call to call"
        elif self.twice.changed:
            yield f"a call of the {self.side} changes {self._named}, and a second one gives the same result"


def repeatability(comparison: Comparison) -> list[Repeatability]:
    """Return how each side that was called twice answers the second call. Raises `ModelError`."""
    sides, asked, links = comparison.sides, comparison.asked, comparison.links
    mine, theirs = sides.candidate, sides.reference
    called = (
        ("candidate", comparison.run.twice, partial(mine.run, asked.candidate), links.comparable),
        ("reference", comparison.reference_twice, partial(theirs.run, asked.reference), links.apply),
    )
    return [
        _judged(side, twice, fresh, translate, comparison.expected)
        for side, twice, fresh, translate in called
        if twice is not None
    ]


def _judged(
    side: str, twice: Twice, fresh: Callable[[], Tensors], translate: Translate, expected: Expected
) -> Repeatability:
    changes = not twice.repeats and not _alike(twice, translate, expected)
    return Repeatability(
        side, twice, changes, changes and twice.copied and Twice(twice.first, fresh()).repeats
    )


def _alike(twice: Twice, translate: Translate, expected: Expected) -> bool:
    """Whether a second result differs from the first by rounding alone.

    It is within the limits of rounding, and outputs agree to half of float32's digits: the limits of a
    reference that remembers are those of its own changes.
    """
    if twice.error is not None:
        return False
    first, second = translate(twice.first), translate(twice.second)
    same = {key: x for key, x in first.items() if key in expected.exact and key in second}
    around = replace(expected, exact={key: _double(x) for key, x in same.items()})
    within = all(found.within for found in check_arithmetic(second, around, {}).values())
    shown = (key for key in same if key.role in (Role.OUTPUT, Role.LOSS))
    return within and all(_near(_double(first[key]), _double(second[key])) for key in shown)


def _double(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "biu" else array.astype(np.float64)


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    both = np.isfinite(one) & np.isfinite(other)
    return is_near(other[both], one[both])
