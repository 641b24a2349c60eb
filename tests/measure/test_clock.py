"""Between the two readings of the clock stand the calls and the wait, and nothing else."""

from __future__ import annotations

import gc

import pytest

from samestep.measure import clock


class Diary:
    """What happens, in order, on a clock that moves by one at each reading."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.collecting: list[bool] = []

    def perf_counter(self) -> float:
        self._note("clock")
        return float(self.lines.count("clock"))

    def call(self) -> str:
        self._note("call")
        return f"result {self.lines.count('call')}"

    def wait(self, returned: str) -> None:
        self._note(f"wait for {returned}")

    def _note(self, line: str) -> None:
        self.lines.append(line)
        self.collecting.append(gc.isenabled())


@pytest.fixture
def diary(monkeypatch) -> Diary:
    diary = Diary()
    monkeypatch.setattr(clock, "perf_counter", diary.perf_counter)
    return diary


@pytest.fixture(params=[True, False], ids=["gc on", "gc off"])
def collecting(request) -> bool:
    """The collector on or off when the sample begins, and as it was after the test."""
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


TIMERS = [clock.timed, clock.launched, lambda call, wait, loops=1: clock.one_by_one(call, wait, loops)]
timers = pytest.mark.parametrize("timer", TIMERS, ids=["timed", "launched", "one by one"])


@pytest.mark.parametrize("loops", [1, 3])
def test_nothing_but_the_calls_and_one_wait_is_timed(diary, loops):
    seconds, returned = clock.timed(diary.call, diary.wait, loops)
    assert diary.lines == ["clock", *["call"] * loops, f"wait for result {loops}", "clock"]
    assert (seconds, returned) == (1.0, f"result {loops}")


@timers
def test_the_garbage_collector_is_off_inside_and_as_before_afterwards(diary, collecting, timer):
    timer(diary.call, diary.wait, 2)
    assert diary.collecting
    assert not any(diary.collecting)
    assert gc.isenabled() is collecting


@pytest.mark.parametrize("loops", [1, 3])
def test_what_asking_costs_is_read_between_the_calls_and_the_wait(diary, loops):
    asked, seconds, returned = clock.launched(diary.call, diary.wait, loops)
    assert diary.lines == ["clock", *["call"] * loops, "clock", f"wait for result {loops}", "clock"]
    assert (asked, seconds, returned) == (1.0, 2.0, f"result {loops}")


def test_calls_one_by_one_are_each_waited_for(diary):
    assert clock.one_by_one(diary.call, diary.wait, most=2) == [1.0, 1.0]
    assert diary.lines == [
        "clock", "call", "wait for result 1", "clock", "call", "wait for result 2", "clock",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("most", "seconds", "calls"), [(0, 9.0, 0), (5, 9.0, 5), (5, 2.5, 3), (5, 0.0, 1), (5, -1.0, 0)]
)
def test_calls_one_by_one_end_with_their_number_or_their_time(diary, most, seconds, calls):
    assert clock.one_by_one(diary.call, diary.wait, most, seconds) == [1.0] * calls


@timers
@pytest.mark.parametrize("where", ["call", "wait"])
def test_an_exception_comes_through_and_leaves_the_collector_as_it_was(
    diary, collecting, monkeypatch, where, timer
):
    def fail(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(diary, where, fail)
    with pytest.raises(ValueError, match="broken"):
        timer(diary.call, diary.wait)
    assert gc.isenabled() is collecting


def test_now_reads_a_clock_that_never_goes_back(diary):
    assert [clock.now(), clock.now()] == [1.0, 2.0]
