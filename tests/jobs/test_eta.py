"""How long a run will still take: what is left is taken to last as what is most like it did."""

from __future__ import annotations

import pytest

from samestep.jobs.eta import COMPILED, GROWTH, PRIOR_SECONDS, SIDE_BY_SIDE, Eta, Unit

UNIT = Unit("turn", "torch", "a torch cell", "train")
SAME_FRAMEWORK = Unit("turn", "torch", "another torch cell", "train")
SAME_KIND = Unit("turn", "jax", "a jax cell", "look")
OTHER_KIND = Unit("start", "torch", "a torch cell", "train")


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
    eta = Eta()
    for unit, seconds in seen:
        eta.done(unit, seconds)
    assert eta.left_seconds == 0
    eta.expect({UNIT: 3})
    assert eta.left_seconds == 3 * guess
    assert eta.done_seconds == sum(seconds for _, seconds in seen)


@pytest.mark.parametrize("kind", PRIOR_SECONDS)
def test_every_kind_has_a_guess_before_anything_was_seen(kind):
    eta = Eta()
    eta.expect({Unit(kind, "torch", "cell"): 1})
    assert eta.left_seconds == PRIOR_SECONDS[kind] > 0


def test_what_was_done_is_no_longer_expected():
    eta = Eta()
    eta.expect({UNIT: 2})
    for left in (2.0, 0.0, 0.0):  # once more than was expected
        eta.done(UNIT, 2.0)
        assert eta.left_seconds == left
    assert eta.done_seconds == 6.0
    eta.expect({UNIT: 1})
    assert eta.left_seconds == 2.0


def test_nothing_is_expected_of_a_cell_that_was_dropped():
    eta = Eta()
    for unit in (UNIT, SAME_FRAMEWORK, SAME_KIND, OTHER_KIND):
        eta.expect({unit: 5})
    eta.done(UNIT, 1.0)
    eta.drop("a torch cell")
    assert {unit for unit, count in eta.pending.items() if count} == {SAME_FRAMEWORK, SAME_KIND}
    assert eta.left_seconds == 10.0  # what was learnt of it is kept
    assert eta.done_seconds == 1.0


def test_a_cell_that_was_long_examined_is_expected_to_take_longer():
    eta = Eta()
    eta.done(Unit("check", "torch", "a torch cell"), 1.5)
    eta.done(Unit("check", "torch", "another torch cell"), 1.0)
    eta.expect({UNIT: 1})
    assert eta.left_seconds == PRIOR_SECONDS["turn"] + 1.5 * GROWTH["turn"]
    eta.done(SAME_FRAMEWORK, 1.0 * GROWTH["turn"])  # no longer than its examination says
    assert eta.left_seconds == 1.5 * GROWTH["turn"]


@pytest.mark.parametrize("kind", PRIOR_SECONDS)
def test_on_a_slow_processor_what_was_never_measured_is_guessed_to_take_longer(kind):
    eta = Eta(pace=3.0)
    eta.done(Unit("check", "torch", "a torch cell"), 3.0 * COMPILED)
    eta.expect({Unit(kind, "jax", "a jax cell"): 1})
    assert eta.left_seconds == (3.0 * COMPILED if kind == "check" else 3.0 * PRIOR_SECONDS[kind])
    eta.pending.clear()
    eta.expect({Unit("turn", "torch", "a torch cell"): 1})
    assert eta.left_seconds == 3.0 * (PRIOR_SECONDS["turn"] + COMPILED * GROWTH["turn"])


@pytest.mark.parametrize(("kind", "counted"), [("turn", COMPILED), ("finish", COMPILED), ("start", 100.0)])
def test_what_a_compiler_took_is_asked_again_by_a_start_alone(kind, counted):
    eta = Eta()
    eta.done(Unit("check", "torch", "a torch cell"), 100.0)
    eta.expect({Unit(kind, "torch", "a torch cell"): 1})
    assert eta.left_seconds == PRIOR_SECONDS[kind] + counted * GROWTH[kind]


@pytest.mark.parametrize("kind", PRIOR_SECONDS)
def test_what_goes_on_side_by_side_takes_its_part_of_the_time(kind):
    eta = Eta(workers=2)
    at_once = 2 if kind in SIDE_BY_SIDE else 1
    eta.done(Unit(kind, "torch", "cell"), 4.0)
    eta.expect({Unit(kind, "torch", "cell"): 3})
    assert (eta.done_seconds, eta.left_seconds) == (4.0 / at_once, 12.0 / at_once)


@pytest.mark.parametrize(("start", "guess"), [(0.5, 0.5), (60.0, PRIOR_SECONDS["restart"])])
def test_a_later_start_is_not_expected_to_take_longer_than_the_first(start, guess):
    eta = Eta()
    eta.done(Unit("start", "torch", "a torch cell"), start)
    assert eta.seconds({Unit("restart", "torch", "a torch cell"): 3}) == 3 * guess
    eta.done(Unit("restart", "torch", "a torch cell"), 7.0)
    assert eta.seconds({Unit("restart", "torch", "a torch cell"): 3}) == 21.0


def test_what_is_left_of_a_budget_will_be_used():
    eta = Eta(least=30.0)
    assert eta.left_seconds == 30.0
    eta.done(UNIT, 20.0)
    eta.expect({UNIT: 2})
    assert eta.left_seconds == 40.0  # what was begun is ended
