"""A call of all steps is the chain of the short calls that are judged; what it leaves out is found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from samestep.agreement.examination import full_length
from samestep.agreement.examination.comparisons import Comparisons
from samestep.agreement.examination.examine import examine
from samestep.agreement.examination.full_length import FullLength
from samestep.agreement.examination.stages import LENGTHS
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.verdict import Disagreement
from tests.made.candidates import CATALOG, MANUAL, candidate
from tests.made.planting import reference_of

STEPS = 43


def examined(train: Callable, dtype: str = "float64", draw: int | None = 0) -> list[str]:
    """Examine a ``train`` at its full length, here 43 steps; return the notes. One step is drawn, or none."""
    mine = candidate(dtype, train=train)
    mine.numbers["steps"] = STEPS
    reference = reference_of(CATALOG, "two_layer", dtype)
    comparisons = Comparisons(reference, set())
    expectations = Expectations(reference, mine.point, "test", SpreadCache(largest=0))
    whole = FullLength(mine, expectations, comparisons, "train", LENGTHS)
    whole.check(None if draw is None else np.random.default_rng(draw))
    return comparisons.notes


def making(which: Callable[[int, int], bool]) -> Callable:
    """Return a ``train`` that makes those steps alone, by their place in the call and the call's length."""

    def train(state, x, y, learning_rate, steps):
        losses = []
        for i in range(steps):
            if which(i, steps):
                state, loss = MANUAL.train_step(state, x, y, learning_rate)
            losses.append(loss)
        return state, np.stack(losses)

    return train


SKIPPING = {
    "early stopping": (lambda i, _: i < 10, 10),
    "every second step": (lambda i, _: i < 10 or i % 2, 10),
    "the thirtieth is left out": (lambda i, _: i != 30, 30),
    "the last is left out": (lambda i, _: i < STEPS - 1, STEPS - 1),
    "where it is timed": (lambda i, steps: steps < STEPS or not i % 2, 1),
}


@pytest.mark.parametrize("name", SKIPPING)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_that_is_left_out_is_found_where_it_should_have_been(name, dtype):
    which, at = SKIPPING[name]
    with pytest.raises(Disagreement, match=r"calls of 10 steps give .*: not all steps are made") as found:
        examined(making(which), dtype)
    assert found.value.divergence.step == at


@pytest.mark.parametrize(("only", "verdict"), [(True, "disagree"), (False, "agree")])
def test_what_is_examined_in_float32_alone_goes_to_the_end_there(only, verdict):
    mine = candidate("float32", train=making(lambda i, _: i < 10))
    mine.numbers["steps"] = STEPS
    reference = reference_of(CATALOG, "two_layer", "float32")
    expectations = Expectations(reference, mine.point, "test", SpreadCache(largest=0))
    found = examine(mine, expectations, only=only)
    assert found.verdict == verdict
    assert ("not all steps are made" in (found.reason or "")) == only


def test_other_steps_than_a_single_one_shows_are_found_at_the_place_that_is_drawn():
    """A chain that is wrong itself: from the second call on, whatever its length, the rate is halved."""
    calls = []

    def train(state, x, y, learning_rate, steps):
        calls.append(steps)
        return MANUAL.train(state, x, y, learning_rate / (1 + (len(calls) > 1)), steps)

    with pytest.raises(Disagreement) as found:
        examined(train)
    assert (found.value.divergence.task, found.value.divergence.tensor) == ("train", "w1")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_that_is_made_to_the_end_agrees_wherever_it_is_looked_at(dtype):
    for draw in range(3):
        assert examined(MANUAL.train, dtype, draw) == []


def test_code_that_rounds_otherwise_in_long_calls_agrees_and_it_is_said(monkeypatch):
    def train(state, x, y, learning_rate, steps):
        if steps > LENGTHS[-1]:  # the same sums in another order, as a compiler may make of them
            order = np.arange(len(x))[::-1]
            x, y = x[order], y[order]
        return MANUAL.train(state, x, y, learning_rate, steps)

    notes = examined(train, "float32")
    assert len(notes) == 1
    assert notes[0].endswith(
        "other bits than calls of 10 steps give, and is within what rounding does over that many"
    )


def test_a_state_may_hold_more_once_it_was_trained():
    def train(state, x, y, learning_rate, steps):
        weights = {name: state[name] for name in ("w1", "w2")}
        state, losses = MANUAL.train(weights, x, y, learning_rate, steps)
        return {**state, "momentum": losses[-1:]}, losses

    assert examined(train, draw=None) == []


@pytest.mark.parametrize(("total", "calls"), [(43, [10, 10, 10, 10, 2, 1]), (11, [10, 1]), (20, [10, 10])])
def test_the_short_calls_are_as_long_as_those_that_are_judged(total, calls):
    found = list(full_length._calls(total, LENGTHS))
    assert [count for _, count in found] == calls
    assert [first for first, _ in found] == [sum(calls[:n]) for n in range(len(calls))]
