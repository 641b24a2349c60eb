"""The full length that is timed: one call of all steps is what short calls give, one after another.

A step that is left out after the tenth shows in no call of ten, and rounding carries correct trainings apart,
so that the last loss of hundreds of steps cannot be judged by itself. But an implementation that is called
for all steps makes the steps that it makes in calls of ten, which are judged: each call starts from the state
that the one before returned, and what comes out is the same, bit for bit. At a place drawn at random the
chain's next step is compared with the reference's, from the chain's own state.

Where a compiler makes other code for another number of steps the bits may differ. Then what the long call
gave is compared with the reference's own training over all steps, element by element, and so widely that only
what is not the same training is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.comparisons import Comparisons
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.limits import FEWEST_REPLICAS
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Point
from samestep.agreement.verdict import Disagreement, Divergence

#: A place in a chain: how many steps led there, and the params that it had.
Met = tuple[int, Values]


@dataclass(frozen=True)
class LongCall:
    """What one call of all steps gave: its outputs, and the params of the new state, by name."""

    outputs: Values
    state: Values

    @property
    def all(self) -> Values:
        """Outputs and state together."""
        return {**self.outputs, **self.state}


@dataclass(frozen=True)
class FullLength:
    """A task of many steps of a candidate, from the candidate's own params.

    ``lengths`` are those of the calls that are judged by themselves, the longest last.
    """

    candidate: Candidate
    expectations: Expectations
    comparisons: Comparisons
    task: str
    lengths: Sequence[int]

    def check(self, rng: np.random.Generator | None, long: LongCall | None = None) -> None:
        """Compare a call of all steps with a chain of short ones, and a step drawn by ``rng`` with the
        reference (None: no step); ``long`` is what such a call gave, None for one that is made here.

        Raises `Disagreement` where it is another training, and as `Comparisons.check` does.
        """
        long = long or self._long_call()
        chain, met = self._short_calls(rng)
        if met is not None:
            self._force(*met)
        differing = _differing(long, chain)
        if differing:
            chain, _ = self._chain(None)
            differing = _differing(long, chain)
        if differing:
            self._check_widely(long, chain)
            self.comparisons.notes.append(
                f"{self.task}: {differing} of one call of {self.steps} steps has other bits than calls of "
                f"{self.lengths[-1]} steps give, and is within what rounding does over that many"
            )

    @property
    def steps(self) -> int:
        """How many steps one call makes."""
        return self.candidate.steps(self.task) or 0

    def _long_call(self) -> LongCall:
        candidate = self.candidate
        outputs, state = candidate.run(Place(0, self.task), candidate.adopt(candidate.params))
        return LongCall(outputs, candidate.export(state))

    @property
    def _counts(self) -> bool:
        """Whether a number says how many steps a call makes, so that all short calls are alike."""
        return self.candidate.spec.tasks[self.task].steps in self.candidate.numbers

    def _short_calls(self, rng: np.random.Generator | None) -> tuple[LongCall, Met | None]:
        """Return what short calls give, one after another, and a place that was met; only the last outputs,
        where a number of calls can be asked for at once."""
        if not self._counts:
            return self._chain(rng)
        candidate, (many, *rest) = self.candidate, self._blocks()
        times = many[0] - (not rest)
        drawn = 0 if rng is None else int(rng.integers(1, times + 1))
        state = candidate.repeated(self.task, candidate.adopt(candidate.params), drawn, many[1])
        met = (drawn * many[1], candidate.export(state)) if drawn else None
        state, found = candidate.repeated(self.task, state, times - drawn, many[1]), list[Values]()
        for number, count in rest or [(1, many[1])]:
            for _ in range(number):
                outputs, state = candidate.run(Place(0, self.task), state, count)
                found.append(outputs)
        return LongCall(_joined(found), candidate.export(state)), met

    def _blocks(self) -> list[tuple[int, int]]:
        """Return how many calls there are of each length, the longest first."""
        counts = [count for _, count in _calls(self.steps, self.lengths)]
        return [(counts.count(length), length) for length in dict.fromkeys(counts)]

    def _chain(self, rng: np.random.Generator | None) -> tuple[LongCall, Met | None]:
        """Return what short calls give, one after another, and a place that was met."""
        candidate, calls = self.candidate, list(_calls(self.steps, self.lengths))
        drawn = None if rng is None else int(rng.integers(1, len(calls)))
        state, found, met = candidate.adopt(candidate.params), list[Values](), None
        for number, (first, count) in enumerate(calls):
            if number == drawn:
                met = first, candidate.export(state)
            outputs, state = candidate.run(Place(first, self.task), state, count, first)
            found.append(outputs)
        return LongCall(_joined(found), candidate.export(state)), met

    def _force(self, first: int, params: Values) -> None:
        """Compare one step of the chain with the reference's, from the params that the chain had there."""
        candidate, place = self.candidate, Place(first, self.task)
        outputs, state = candidate.run(place, candidate.adopt(params), 1, first)
        expected = self.expectations.expect_from(self.task, self._point(first, params))
        self.comparisons.check(place, outputs, expected)
        self.comparisons.check(place, candidate.export(state, expected.exact.state), expected)

    def _point(self, first: int, params: Values) -> Point:
        point, name = self.candidate.point.with_params(params), self.candidate.spec.tasks[self.task].steps
        if name is None or name not in point.arrays:
            return point
        return replace(point, arrays={**point.arrays, name: point.arrays[name][first : first + 1]})

    def _check_widely(self, long: LongCall, chain: LongCall) -> None:
        """Compare a call of all steps with the reference's own training, where it differs from the chain."""
        expected = self.expectations.expect_many(self.task, self.steps, FEWEST_REPLICAS)
        for name, value in long.all.items():
            exact, spread, other = expected.exact.all[name], expected.spreads[name], chain.all[name]
            beyond = ~(np.abs(value - exact) <= spread.limit * spread.sigma) & ~alike(value, other)
            if not beyond.any():
                continue
            at = tuple(int(one[0]) for one in beyond.nonzero())
            step = at[0] if name in long.outputs else self.steps - 1
            got, error = float(value[at]), abs(float(value[at]) - float(exact[at]))
            test = f"calls of {self.lengths[-1]} steps give {float(other[at]):.9g}: not all steps are made"
            found = Divergence(
                step, self.task, name, at, got, float(exact[at]), error,
                float(spread.limit * spread.sigma[at]), test,
            )  # fmt: skip
            raise Disagreement(found, got=value, expected=exact)


def _calls(total: int, lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Return where each short call begins and how many steps it makes, the longest first."""
    first = 0
    for length in sorted(lengths, reverse=True):
        while total - first >= length:
            yield first, length
            first += length


def _joined(calls: Sequence[Values]) -> Values:
    """Return the outputs of calls one after another."""
    return {name: np.concatenate([one[name] for one in calls]) for name in calls[0]}


def _differing(long: LongCall, chain: LongCall) -> str | None:
    """Return the name of a tensor that has other bits; of outputs those of the last steps are compared."""
    for name, value in long.outputs.items():
        if not alike(value[-len(chain.outputs[name]) :], chain.outputs[name]).all():
            return name
    return next(
        (name for name, value in long.state.items() if not alike(value, chain.state[name]).all()), None
    )


def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return which elements are the same numbers; NaN is NaN."""
    return np.asarray((a == b) | ((a != a) & (b != b)))
