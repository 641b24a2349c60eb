"""What is still to do is guessed from what was done, from the most alike that is known."""

from __future__ import annotations

import pytest

from samestep.jobs.eta import COMPILED, GROWTH, PRIOR_SECONDS, SIDE_BY_SIDE, Forecast

UNIT = ("turn", "torch", "a torch cell", "train")
SAME_FRAMEWORK = ("turn", "torch", "another torch cell", "train")
SAME_KIND = ("turn", "jax", "a jax cell", "look")
OTHER_KIND = ("start", "torch", "a torch cell", "train")


@pytest.mark.parametrize(
    ("seen", "guess"),
    [
        ([], PRIOR_SECONDS["turn"]),
        ([(OTHER_KIND, 100.0)], PRIOR_SECONDS["turn"]),
        ([(OTHER_KIND, 100.0), (SAME_KIND, 8.0)], 8.0),
        ([(SAME_KIND, 8.0), (SAME_KIND, 4.0)], 6.0),
        ([(SAME_FRAMEWORK, 2.0), (SAME_KIND, 8.0)], 2.0),
        ([(SAME_FRAMEWORK, 2.0), (SAME_FRAMEWORK, 4.0), (SAME_KIND, 8.0)], 3.0),
        ([(UNIT, 7.0), (UNIT, 1.0), (SAME_FRAMEWORK, 4.0)], 1.0),
    ],
    ids=["nothing", "another kind", "kind", "kind's mean", "framework", "framework's mean", "its last"],
)
def test_a_unit_is_taken_to_last_as_the_most_alike_did(seen, guess):
    forecast = Forecast()
    for unit, seconds in seen:
        forecast.done(unit, seconds)
    assert forecast.left_seconds == 0
    forecast.expect(UNIT, 3)
    assert forecast.left_seconds == 3 * guess
    assert forecast.done_seconds == sum(seconds for _, seconds in seen)


@pytest.mark.parametrize("kind", PRIOR_SECONDS)
def test_every_kind_has_a_guess_before_anything_was_seen(kind):
    forecast = Forecast()
    forecast.expect((kind, "torch", "cell", ""))
    assert forecast.left_seconds == PRIOR_SECONDS[kind] > 0


def test_what_was_done_is_no_longer_expected():
    forecast = Forecast()
    forecast.expect(UNIT, 2)
    for left in (2.0, 0.0, 0.0):  # once more than was expected
        forecast.done(UNIT, 2.0)
        assert forecast.left_seconds == left
    assert forecast.done_seconds == 6.0
    forecast.expect(UNIT)
    assert forecast.left_seconds == 2.0


def test_nothing_is_expected_of_a_cell_that_was_dropped():
    forecast = Forecast()
    for unit in (UNIT, SAME_FRAMEWORK, SAME_KIND, OTHER_KIND):
        forecast.expect(unit, 5)
    forecast.done(UNIT, 1.0)
    forecast.drop("a torch cell")
    assert {unit for unit, count in forecast.pending.items() if count} == {SAME_FRAMEWORK, SAME_KIND}
    assert forecast.left_seconds == 10.0  # what was learnt of it is kept
    assert forecast.done_seconds == 1.0


def test_a_cell_that_was_long_examined_is_expected_to_take_longer():
    forecast = Forecast()
    forecast.done(("check", "torch", "a torch cell", ""), 1.5)
    forecast.done(("check", "torch", "another torch cell", ""), 1.0)
    forecast.expect(UNIT)
    assert forecast.left_seconds == PRIOR_SECONDS["turn"] + 1.5 * GROWTH["turn"]
    forecast.done(SAME_FRAMEWORK, 1.0 * GROWTH["turn"])  # no longer than its examination tells
    assert forecast.left_seconds == 1.5 * GROWTH["turn"]


@pytest.mark.parametrize("kind", PRIOR_SECONDS)
def test_on_a_slow_processor_what_was_never_seen_is_guessed_to_take_longer(kind):
    forecast = Forecast(pace=3.0)
    forecast.done(("check", "torch", "a torch cell", ""), 3.0 * COMPILED)
    forecast.expect((kind, "jax", "a jax cell", ""))
    assert forecast.left_seconds == (3.0 * COMPILED if kind == "check" else 3.0 * PRIOR_SECONDS[kind])
    forecast.pending.clear()
    forecast.expect(("turn", "torch", "a torch cell", ""))
    assert forecast.left_seconds == 3.0 * (PRIOR_SECONDS["turn"] + COMPILED * GROWTH["turn"])


@pytest.mark.parametrize(("kind", "counted"), [("turn", COMPILED), ("finish", COMPILED), ("start", 100.0)])
def test_what_a_compiler_took_is_asked_again_by_a_start_alone(kind, counted):
    forecast = Forecast()
    forecast.done(("check", "torch", "a torch cell", ""), 100.0)
    forecast.expect((kind, "torch", "a torch cell", ""))
    assert forecast.left_seconds == PRIOR_SECONDS[kind] + counted * GROWTH[kind]


@pytest.mark.parametrize("kind", PRIOR_SECONDS)
def test_what_goes_on_side_by_side_takes_its_part_of_the_time(kind):
    forecast = Forecast(lanes=2)
    at_once = 2 if kind in SIDE_BY_SIDE else 1
    forecast.done((kind, "torch", "cell", ""), 4.0)
    forecast.expect((kind, "torch", "cell", ""), 3)
    assert (forecast.done_seconds, forecast.left_seconds) == (4.0 / at_once, 12.0 / at_once)


@pytest.mark.parametrize(("start", "guess"), [(0.5, 0.5), (60.0, PRIOR_SECONDS["restart"])])
def test_a_later_start_is_not_expected_to_take_longer_than_the_first(start, guess):
    forecast = Forecast()
    forecast.done(("start", "torch", "a torch cell", ""), start)
    assert forecast.seconds({("restart", "torch", "a torch cell", ""): 3}) == 3 * guess
    forecast.done(("restart", "torch", "a torch cell", ""), 7.0)
    assert forecast.seconds({("restart", "torch", "a torch cell", ""): 3}) == 21.0


def test_what_is_left_of_a_budget_will_be_used():
    forecast = Forecast(least=30.0)
    assert forecast.left_seconds == 30.0
    forecast.done(UNIT, 20.0)
    forecast.expect(UNIT, 2)
    assert forecast.left_seconds == 40.0  # what was begun is ended
