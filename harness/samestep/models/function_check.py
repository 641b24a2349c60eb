"""Question A: is it the same function? Both sides in float64, by exact interpretation of their own code.

What remains between two exact runs is rounding at 2^-53, and what literals owe: a number such as 1/sqrt(d) or
a position table that one side holds in float32 and the other in float64 is no other function. So

    |E| <= lambda hypot(sigma_reference, sigma_candidate) 2^-29 + sum over literals |f(c (1 ± u)) - f(c)|

with exact runs for each literal, all its sites moved together, and of captured constants with random signs.
The number that the other side holds lies anywhere within c (1 ± u): f moves by a d + b d^2, which is at most
|a| u + |b| u^2, and that is the larger of the two ways (an angle of many turns moves far, and where a is 0 it
owes b alone). What costs further runs is done only where the limit without it is breached: it can only grow.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from math import isnan
from typing import Protocol

import numpy as np

from samestep.agreement.arithmetic.program import (
    DOUBLE_SCALE,
    Level,
    Literal,
    Nudge,
    Program,
    constant_digest,
)
from samestep.agreement.aside import let_go
from samestep.agreement.blocks import blocks, index_in
from samestep.agreement.examination.tensor_statistics import index_of_largest
from samestep.agreement.limits import elementwise_limit
from samestep.agreement.reference.spread import SpreadMeter
from samestep.models.expected import Expected
from samestep.models.recorded.recorded_program import NotRecorded
from samestep.models.tensors import TensorKey, Tensors

#: Replicas of the candidate, and draws of its constants: few, and the limit pays for it.
CANDIDATE_REPLICAS = 12

#: Literals that a double holds owe 2^-53 each, which the first term of the limit covers.
OWING = 2.0**-50


@dataclass(frozen=True)
class FunctionStatistics:
    """The difference of two exact runs in one tensor, where it is nearest to its limit.

    ``share`` is |error| / limit there; ``got`` and ``expected`` the two exact values at ``index``, in the
    tensor's units, and so are ``error`` and ``limit``. A shape of another kind has an infinite share.
    """

    share: float
    index: tuple[int, ...]
    got: float
    expected: float
    error: float
    limit: float

    @property
    def same(self) -> bool:
        """Whether the difference is within the limit."""
        return self.share <= 1.0


class Links(Protocol):
    """What takes both sides' tensors to where they can be compared."""

    def apply(self, reference: Tensors) -> Tensors:
        """Return what the reference says of the candidate's tensors."""
        ...

    def comparable(self, candidate: Tensors) -> Tensors:
        """Return the candidate's tensors in that form."""
        ...


Limits = MutableMapping[TensorKey, np.ndarray]
Programs = Iterable[Program[TensorKey]]


class FunctionCheck:
    """Compares the exact runs of the candidate's and the reference's programs, tensor by tensor.

    ``candidate`` and ``reference`` are programs of the same question; ``links`` take the tensors of both to
    where they can be compared. ``held()`` gives the arrays that a side has for parameters, state and inputs:
    code that has captured one of them has the same numbers, and owes nothing for it. ``rounded(draws)`` gives
    programs of the candidate, and of the reference, in which what the other side lacks is rounded otherwise.
    """

    def __init__(
        self,
        candidate: Program[TensorKey],
        reference: Program[TensorKey],
        expected: Expected,
        links: Links,
        seed: int,
        held: Callable[[], Iterable[np.ndarray]] = tuple,
        rounded: Callable[[int], tuple[Programs, Programs]] = lambda draws: ((), ()),
    ) -> None:
        self.candidate, self.reference, self.held, self.rounded = candidate, reference, held, rounded
        self.expected, self.links, self.seed = expected, links, seed
        self.not_asked: str | None = None

    def run(self, exact: Tensors) -> dict[TensorKey, FunctionStatistics]:
        """Return the statistics of every tensor that both sides have.

        ``exact`` is the candidate's exact run. Where a record lacks what decides, what is beyond its limit
        without it is left out, and ``not_asked`` says why. Raises `Refused`.
        """
        got = self.links.comparable(exact)
        keys = [key for key in self.expected.exact if key in got]
        replicas = min([s.replicas for s in self.expected.spreads.values()] + [CANDIDATE_REPLICAS])
        factor = elementwise_limit(replicas)
        owed: Limits = {}
        sigma: Limits = ChainMap({}, self.expected.double)  # type: ignore[arg-type]  # which is only read
        result = self._compare(keys, got, factor, sigma, owed)
        for widen in (self._owe_literals, self._owe_constants, self._owe_own_values, self._add_candidate):
            if all(statistics.same for statistics in result.values()):
                break
            owed = owed or {key: np.zeros(self.expected.exact[key].shape) for key in keys}
            try:
                widen(got, sigma, owed, factor)
            except NotRecorded as missing:  # it is not known how far what is beyond its limit may be off
                self.not_asked = str(missing)
                return {key: statistics for key, statistics in result.items() if statistics.same}
            result = self._compare(keys, got, factor, sigma, owed)
        return result

    def _compare(
        self, keys: list[TensorKey], got: Tensors, factor: float, sigma: Limits, owed: Limits
    ) -> dict[TensorKey, FunctionStatistics]:
        return {
            key: compare_exact(
                got[key],
                self.expected.exact[key],
                _limit(factor, sigma.get(key), owed.get(key), got[key].shape),
                key.is_backward,
            )
            for key in keys
        }

    def _owe_literals(self, got: Tensors, sigma: Limits, owed: Limits, factor: float) -> None:
        sides = ((self.candidate, self.reference, got), (self.reference, self.candidate, None))
        for mine, other, base in sides:
            for literal in _owing(mine, other):
                ways = [self._difference(mine, Nudge(literal, sign=sign), base) for sign in (1, -1)]
                for key, limit in owed.items():
                    limit += np.maximum(*(_moved(way, key, limit.shape) for way in ways))

    def _owe_constants(self, got: Tensors, sigma: Limits, owed: Limits, factor: float) -> None:
        captured = frozenset(self.candidate.constants) | frozenset(self.reference.constants)
        if not captured:
            return
        shared = frozenset(self.candidate.constants) & frozenset(self.reference.constants)
        shared |= captured & {
            constant_digest(array) for array in self.held() if array.dtype.kind not in "biu"
        }
        moves = (
            self._constant_nudges(self.candidate, shared, got),
            self._constant_nudges(self.reference, shared, None),
        )
        _add_draws(owed, factor, moves)

    def _owe_own_values(self, got: Tensors, sigma: Limits, owed: Limits, factor: float) -> None:
        mine, theirs = self.rounded(CANDIDATE_REPLICAS)
        moves = (
            (self._difference(program, None, got) for program in mine),
            (self._difference(program, None, None) for program in theirs),
        )
        _add_draws(owed, factor, moves)

    def _constant_nudges(
        self, program: Program[TensorKey], shared: frozenset[str], got: Tensors | None
    ) -> Iterator[dict[TensorKey, np.ndarray]]:
        if frozenset(program.constants) <= shared:
            return
        for draw in range(CANDIDATE_REPLICAS):
            nudge = Nudge(constants=self.seed + draw, shared=shared)
            yield self._difference(program, nudge, got)

    def _difference(
        self, program: Program[TensorKey], nudge: Nudge | None, got: Tensors | None
    ) -> dict[TensorKey, np.ndarray]:
        """How far a nudge, or what else is moved, moves each tensor, under the candidate's keys."""
        if got is None:
            moved, base = self.links.apply(program.exact(nudge)), self.expected.exact
        else:
            moved, base = self.links.comparable(program.exact(nudge)), got
        with np.errstate(all="ignore"):
            return {key: np.abs(moved[key] - base[key]) for key in self.expected.double if key in moved}

    def _add_candidate(self, got: Tensors, sigma: Limits, owed: Limits, factor: float) -> None:
        floating = {key: got[key] for key in sigma if key in got and got[key].shape == sigma[key].shape}
        meter = SpreadMeter(floating, {}, {}, "float32")
        for replica in range(CANDIDATE_REPLICAS):
            noisy = self.candidate.replica(self.seed + 1 + replica, Level.DOUBLE)
            meter.add(self.links.comparable(noisy))
        for key, spread in meter.spreads().items():
            sigma[key] = np.hypot(sigma[key], spread.sigma.astype(np.float64) * DOUBLE_SCALE)


def _limit(
    factor: float, sigma: np.ndarray | None, owed: np.ndarray | None, shape: tuple[int, ...]
) -> np.ndarray:
    limit = np.zeros(shape) if sigma is None else factor * sigma
    if owed is not None:
        limit += owed
    return limit


def _owing(mine: Program[TensorKey], other: Program[TensorKey]) -> list[Literal]:
    """The literals that only one side holds: two sides with the same bits owe each other nothing."""
    held = {literal.value for literal in other.literals}
    return [x for x in mine.literals if x.roundoff > OWING and x.value not in held]


def _add_draws(owed: Limits, factor: float, moves: Iterable[Iterable[dict[TensorKey, np.ndarray]]]) -> None:
    """Add what random moves of both sides come to, as for any error of that deviation."""
    squares = {key: np.zeros(limit.shape) for key, limit in owed.items()}
    for draws in moves:
        for moved in draws:
            for key, square in squares.items():
                square += np.square(_moved(moved, key, square.shape)) / CANDIDATE_REPLICAS
    for key, limit in owed.items():
        limit += factor * np.sqrt(squares[key])


def _moved(moved: dict[TensorKey, np.ndarray], key: TensorKey, shape: tuple[int, ...]) -> np.ndarray:
    change = moved.get(key)
    if change is None or change.shape != shape:
        return np.zeros(shape)
    return np.where(np.isfinite(change), change, 0.0)


def compare_exact(
    got: np.ndarray, expected: np.ndarray, limit: np.ndarray, backward: bool
) -> FunctionStatistics:
    """Return how far two exact arrays are apart, relative to ``limit``, all of one shape and in one unit.

    Integers and bools must be equal. Where the reference is not finite, the candidate must be the same
    infinity or NaN; in the ``backward`` pass only not finite, since frameworks differ in what it becomes.
    """
    if got.shape != expected.shape:
        return FunctionStatistics(float("inf"), (), float("nan"), float("nan"), float("inf"), 0.0)
    if not got.size:
        return FunctionStatistics(0.0, (), 0.0, 0.0, 0.0, 0.0)
    worst = FunctionStatistics(-1.0, (), 0.0, 0.0, 0.0, 0.0)
    for block in blocks(got.shape):
        found = _compare_block(got[block], expected[block], limit[block], backward)
        if not isnan(worst.share) and not found.share <= worst.share:
            worst = replace(found, index=index_in(block, found.index))
    let_go(got)
    let_go(expected)
    return worst


def _compare_block(
    got: np.ndarray, expected: np.ndarray, limit: np.ndarray, backward: bool
) -> FunctionStatistics:
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):
        both = np.isfinite(got) & np.isfinite(expected)
        error = np.where(both, np.abs(got - expected), 0.0)
        share = np.where(error > 0, error / limit, 0.0)
    share[~both & ~agree_not_finite(got, expected, backward)] = np.inf
    index = index_of_largest(share)
    return FunctionStatistics(
        float(share[index]), index, float(got[index]), float(expected[index]), float(error[index]),
        float(limit[index]),
    )  # fmt: skip


def agree_not_finite(got: np.ndarray, expected: np.ndarray, backward: bool) -> np.ndarray:
    """Return where two arrays of one shape agree in not being finite."""
    if backward:
        return np.asarray(~np.isfinite(got) & ~np.isfinite(expected))
    return np.asarray((got == expected) | (np.isnan(got) & np.isnan(expected)))
