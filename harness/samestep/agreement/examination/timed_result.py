"""What timed calls returned is what the same calls return when they are examined.

The calls of a sample are made once more, from the same params and on the same inputs, which nobody had met
before the sample: what the sample returned must be what they return, bit for bit. And one of them, drawn at
random, is judged by the reference where that is asked for. Of an implementation that does not repeat itself
nothing follows from other bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.full_length import FullLength, LongCall, alike
from samestep.agreement.examination.raw_calls import Returned
from samestep.agreement.examination.stages import LENGTHS, Examination
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.spec import Inputs


@dataclass(frozen=True)
class _Calls:
    """The calls of a sample, made once more."""

    examination: Examination
    task: str
    loops: int

    @property
    def candidate(self) -> Candidate:
        return self.examination.candidate

    def last(self, rng: np.random.Generator | None) -> Values:
        """Return what the last one gives, outputs and new params; one that ``rng`` draws is judged."""
        if not self.candidate.spec.tasks[self.task].trains:
            state = self.candidate.adopt(self.candidate.params)
            return self._made(state, self.candidate.params, 0, judged=rng is not None)[0]
        place = 0 if rng is None else int(rng.integers(self.loops))
        state = self.candidate.repeated(self.task, self.candidate.adopt(self.candidate.params), place)
        params = self.candidate.export(state)
        found, state = self._made(state, params, place, judged=rng is not None)
        after = self.loops - 1 - place
        if not after:
            return found
        state = self.candidate.repeated(self.task, state, after - 1)
        outputs, state = self.candidate.run(Place(self.loops - 1, self.task), state)
        return {**outputs, **self.candidate.export(state)}

    def _made(self, state: object, params: Values, number: int, judged: bool) -> tuple[Values, object]:
        """Make one call from these params; compare what it gives with the reference's if it is judged."""
        steps, point = self.candidate.steps(self.task), self.candidate.point.with_params(params)
        place = Place(steps - 1 if steps else number, self.task)
        outputs, new = self.candidate.run(place, state)
        if self.candidate.spec.tasks[self.task].trains:
            outputs = {**outputs, **self.candidate.export(new)}
        if judged:
            expected = self.examination.expectations.expect_from(self.task, point, steps or 1)
            self.examination.comparisons.check(place, outputs, expected)
        return outputs, new

    def before_last(self) -> Values:
        """Return the params that the last call starts from."""
        start = self.candidate.adopt(self.candidate.params)
        state = self.candidate.repeated(self.task, start, self.loops - 1)
        return self.candidate.export(state)


def check_timed(
    examination: Examination, task: str, loops: int, returned: Returned, judged: bool
) -> str | None:
    """Make the calls of a sample once more; return what of the last one's result, which it ``returned``, does
    not go with them, in words. One of them is ``judged`` by the reference.

    Raises as the stages of an examination do.
    """
    candidate, rng = examination.candidate, np.random.default_rng() if judged else None
    timed = candidate.values(task, returned)
    state = candidate.export(returned.state) if returned.state is not None else {}
    calls = _Calls(examination, task, loops)
    if (candidate.steps(task) or 0) > LENGTHS[-1]:
        _check_long(examination, calls, LongCall(timed, state), rng)
        return None
    timed |= state
    differing = _differing(timed, calls.last(rng))
    if differing is None or _differing(calls.last(None), calls.last(None)) is not None:
        return None
    return f"{task}: {differing} of {loops} timed calls has other bits than of the same calls when examined"


def _check_long(
    examination: Examination, calls: _Calls, timed: LongCall, rng: np.random.Generator | None
) -> None:
    """Compare the last of the timed calls with the chain of its steps."""
    candidate = examination.candidate
    last = candidate.on(Inputs(calls.before_last(), candidate.arrays))
    reference, source = examination.reference, examination.expectations.path.source
    here = Expectations(reference, last.point, source, SpreadCache(largest=0))
    FullLength(last, here, examination.comparisons, calls.task, LENGTHS).check(rng, timed)


def _differing(one: Values, other: Values) -> str | None:
    """Return the name of a tensor that has other bits."""
    return next((name for name, value in one.items() if not alike(value, other[name]).all()), None)
