"""A timed task starts from a fresh state, goes on from what it returned, and never meets the clock."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest

from samestep.agreement.examination.native_candidate import NativeCandidate
from samestep.frameworks import Settings
from samestep.frameworks.numpy import Adapter
from samestep.measure import clock
from samestep.measure.timed_tasks import (
    FIRST_CALLS,
    FIRST_LONG_CALLS,
    FLAT,
    LATENCY_CALLS,
    READING_SECONDS,
    READINGS,
    SAMPLE_SECONDS,
    SLACK,
    TRANSFERS,
    WAIT_TRIES,
    WARM_SECONDS,
    MissingWait,
    TimedCandidate,
    TimedTasks,
    quantiles,
)
from samestep.records.schema import Latency, Parts, Transfer
from samestep.spec import Case, Inputs, Spec, Task


def nothing(_: Case) -> float:
    return 0.0


SPEC = Spec(
    summary="a counter",
    cases={"only": Case(numbers={"rate": 2.0, "steps": 7})},
    tasks={
        "look": Task(("x",), ("seen",), nothing),
        "step": Task(("x", "rate"), ("state", "loss"), nothing),
        "many": Task(("x", "steps"), ("state", "losses"), nothing, steps="steps"),
        "epoch": Task(("order",), ("state", "losses"), nothing, steps="order"),
        "absent": Task(("x",), ("state",), nothing),
    },
    make_inputs=lambda *_: INPUTS,
)
INPUTS = Inputs(params={"w": np.zeros(2)}, arrays={"x": np.arange(3.0), "order": np.zeros((5, 2), "int32")})


class Counter:
    """A module whose state is a number, and a clock that a call moves by ``cost``; both keep a diary."""

    def __init__(self, cost: float = 0.0) -> None:
        self.diary: list[object] = []
        self.cost = cost
        self.seconds = 0.0
        self.adopted = 0

    def adopt(self, params: dict) -> int:
        self.adopted += 100
        self.diary.append("adopt")
        return self.adopted

    def look(self, state: int, x: np.ndarray) -> np.ndarray:
        return self._called(state, x)

    def step(self, state: int, x: np.ndarray, rate: float) -> tuple[int, np.ndarray]:
        return state + 1, self._called(state, x)

    many = epoch = step

    def perf_counter(self) -> float:
        self.diary.append("clock")
        return self.seconds

    def export(self, state: int) -> dict:
        return {"w": np.zeros(2)}

    def _called(self, state: int, result: np.ndarray) -> np.ndarray:
        self.diary.append(state)
        self.seconds += self.cost
        return result


def tasks_of(
    counter: Counter,
    monkeypatch: pytest.MonkeyPatch,
    adapter: type[Adapter] = Adapter,
    kind: type[NativeCandidate] = NativeCandidate,
) -> TimedTasks:
    monkeypatch.setattr(clock, "perf_counter", counter.perf_counter)
    settings = Settings()
    made = adapter(settings)
    made.counter = counter
    found = TimedTasks(kind(counter, made, settings, SPEC, SPEC.cases["only"], INPUTS))
    counter.diary.clear()
    counter.adopted = 0
    return found


@pytest.fixture
def counter() -> Counter:
    return Counter(cost=0.5)


@pytest.fixture
def measured(counter, monkeypatch) -> TimedTasks:
    return tasks_of(counter, monkeypatch)


def test_the_tasks_are_those_that_the_module_offers_in_the_specs_order(measured):
    assert measured.names == ["look", "step", "many", "epoch"]


def test_a_task_that_trains_goes_on_from_what_it_returned(counter, measured):
    measured.sample("step", 3)
    assert counter.diary == ["adopt", "clock", 100, 101, 102, "clock"]


def test_another_task_meets_the_same_state_each_time(counter, measured):
    measured.sample("look", 3)
    measured.sample("look", 1)
    assert counter.diary == ["clock", 100, 100, 100, "clock", "clock", 100, "clock"]


def test_every_sample_of_training_starts_from_a_state_of_its_own(counter, measured):
    for _ in range(3):
        measured.sample("step", 1)
    assert counter.diary == ["adopt", "clock", 100, "clock", "adopt", "clock", 200, "clock",
                             "adopt", "clock", 300, "clock"]  # fmt: skip


def test_a_sample_says_what_was_measured(measured):
    timing = measured.sample("step", 4)
    assert (timing.seconds, timing.loops) == (2.0, 4)


@pytest.mark.parametrize("disturbed", [True, False])
def test_a_sample_says_whether_it_was_disturbed_while_it_was_taken(counter, measured, monkeypatch, disturbed):
    def read() -> SimpleNamespace:
        counter.diary.append("interference")
        return SimpleNamespace(disturbed=lambda before, seconds: disturbed and seconds == 1.0)

    monkeypatch.setattr(measured.interference, "read", read)
    assert measured.sample("step", 2).disturbed is disturbed
    assert counter.diary == ["adopt", "interference", "clock", 100, 101, "clock", "interference"]


def test_calibration_finds_the_threads_that_work(measured, monkeypatch):
    settled: list[float] = []
    monkeypatch.setattr(measured.interference, "settle", settled.append)
    measured.calibrate("look")
    assert settled == [0.5]


def test_a_task_gets_the_values_of_the_case(measured):
    x, rate = measured.arguments["step"]
    assert x.dtype == "float32"
    assert (list(x), rate) == ([0, 1, 2], 2.0)


def test_steps_are_a_number_or_the_rows_of_an_array(measured):
    assert {task: measured.candidate.steps(task) for task in measured.names} == {
        "look": None, "step": None, "many": 7, "epoch": 5,
    }  # fmt: skip


@pytest.mark.parametrize("cost", [1.3e-7, 3e-5, 0.004, 0.015, 2.0])
def test_calibration_ends_with_a_sample_that_is_long_enough_and_not_much_longer(monkeypatch, cost):
    counter = Counter(cost)
    loops = tasks_of(counter, monkeypatch).calibrate("step")
    assert tasks_of(counter, monkeypatch).sample("step", loops).seconds >= SAMPLE_SECONDS
    # Half as many calls would have been too short, or one is long enough by itself.
    assert loops == 1 or loops / 2 * cost < SAMPLE_SECONDS


def test_calibration_ends_where_the_clock_is_too_coarse_to_see_a_call(monkeypatch):
    counter = Counter(cost=1e-6)
    measured = tasks_of(counter, monkeypatch)
    ticking = lambda: round(counter.seconds, 2)  # noqa: E731
    monkeypatch.setattr(clock, "perf_counter", ticking)
    assert measured.calibrate("step") * counter.cost >= SAMPLE_SECONDS / 2


# -- the calls one by one --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "cost", "most", "calls"),
    [
        ("step", 0.001, FIRST_CALLS, FIRST_CALLS),
        ("step", 0.1, FIRST_CALLS, 1 + 2),  # more would take longer than they may
        ("step", 0.001, 1, 1),
        ("many", 0.001, FIRST_CALLS, FIRST_LONG_CALLS),
        ("many", 0.001, 1, 1),
    ],
)
def test_the_first_calls_are_timed_each_by_itself(monkeypatch, task, cost, most, calls):
    counter = Counter(cost)
    seconds = tasks_of(counter, monkeypatch).first_calls(task, most)
    assert [f"{second:.6g}" for second in seconds] == [f"{cost:.6g}"] * calls
    assert [line for line in counter.diary if isinstance(line, int)] == list(range(100, 100 + calls))


def test_the_task_of_most_steps_is_called_first_and_finds_nothing_compiled(measured, monkeypatch):
    called: list[tuple[str, int]] = []
    monkeypatch.setattr(measured, "first_calls", lambda *asked: called.append(asked) or [1.0])
    assert list(measured.starts(3)) == measured.names
    assert called == [("many", 3), ("epoch", 3), ("look", 3), ("step", 3)]


def test_the_first_call_counts_however_long_it_takes(monkeypatch):
    """Compiling takes its minute; the calls after it have their time for themselves."""
    counter = Counter(60.0)
    measured = tasks_of(counter, monkeypatch)

    def look(state: int, x: np.ndarray) -> np.ndarray:
        result = Counter._called(counter, state, x)
        counter.cost = 0.001
        return result

    counter.look = look
    seconds = measured.first_calls("look")
    assert (seconds[0], len(seconds)) == (60.0, FIRST_CALLS)


@pytest.mark.parametrize(("cost", "calls"), [(1e-6, LATENCY_CALLS), (0.02, 2), (1.0, 1)])
def test_latency_is_of_many_calls_or_as_many_as_there_is_time_for(monkeypatch, cost, calls):
    assert len(tasks_of(Counter(cost), monkeypatch).latency("look")) == calls


def test_quantiles_say_what_one_in_twenty_is_below_and_above():
    found = quantiles([float(n) for n in range(101)])
    assert found == Latency(median=50.0, p95=95.0, p05=5.0, calls=101)


# -- a device that computes later ------------------------------------------------------------------------


class Late(np.ndarray):
    """An array of the device; ``ready`` is when it will be computed."""

    ready = 0.0


class Device(Adapter):
    """A framework that returns at once, computes ``WORK`` seconds a call on a device of its own, and takes
    ``COPY`` seconds to bring an array to or from it."""

    WORK, COPY, COMPILING = 1.0, 0.25, 0.0
    free = 0.0

    def asarray(self, array: np.ndarray) -> np.ndarray:
        if hasattr(self, "counter"):
            self.counter.seconds += self.COPY
        return super().asarray(array)

    def queue(self, array: np.ndarray) -> np.ndarray:
        self.free = max(self.free, self.counter.seconds) + self.WORK
        late = array.view(Late)
        late.ready = self.free
        return late

    def to_numpy(self, array: np.ndarray) -> np.ndarray:
        self.counter.seconds = max(self.counter.seconds, getattr(array, "ready", 0.0)) + self.COPY
        return super().to_numpy(array)

    def wait(self, outputs: object) -> None:
        self.counter.seconds = max(self.counter.seconds, self.free)

    def stopwatch(self) -> SimpleNamespace:
        marks: list[float] = []

        def mark() -> None:
            marks.append(max(self.free, self.counter.seconds))

        return SimpleNamespace(start=mark, stop=mark, seconds=lambda: self.took(marks[1] - marks[0]))

    def took(self, seconds: float) -> float:
        return seconds


class Unclocked(Device):
    """The same without a clock on the device."""

    def stopwatch(self) -> None:
        return None


class Impatient(Unclocked):
    """Its wait does nothing."""

    def wait(self, outputs: object) -> None:
        pass


class Slow(Unclocked):
    """A true wait, and slow copies: they are as slow the second time."""

    COPY = 100.0


class Ahead(Device):
    """A wait for everything but what its own clock sees: that ran twice as long."""

    def took(self, seconds: float) -> float:
        return 2 * seconds


class WithinSlack(Device):
    def took(self, seconds: float) -> float:
        return seconds * (1 + SLACK / 2)


def late(adapter: type[Adapter], monkeypatch: pytest.MonkeyPatch) -> tuple[Counter, TimedTasks]:
    """Tasks whose every call goes to such a device."""
    counter = Counter(cost=0.125)
    measured = tasks_of(counter, monkeypatch, adapter)
    plain = counter._called
    counter._called = lambda state, result: measured.candidate.adapter.queue(plain(state, result))
    return counter, measured


def test_a_sample_has_three_times_until_asked_on_the_device_and_until_there(monkeypatch):
    _, measured = late(Device, monkeypatch)
    assert measured.parts("look", 4) == Parts(
        launch_seconds=4 * 0.125, device_seconds=4 + 0.125, seconds=4 + 0.125, loops=4
    )


def test_without_a_clock_on_the_device_its_time_is_not_known(monkeypatch):
    _, measured = late(Unclocked, monkeypatch)
    parts = measured.parts("look", 4)
    assert (parts.launch_seconds, parts.device_seconds, parts.seconds) == (0.5, None, 4.125)


@pytest.mark.parametrize("task", ["look", "step", "many"])
@pytest.mark.parametrize("adapter", [Adapter, Device, Unclocked, Slow, WithinSlack])
def test_a_true_wait_is_believed(monkeypatch, adapter, task):
    if adapter is Adapter:
        measured = tasks_of(Counter(0.125), monkeypatch)
    else:
        _, measured = late(adapter, monkeypatch)
    parts = measured.parts(task, 4)
    assert 0 < parts.launch_seconds <= parts.seconds


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        (Impatient, "500 ms by the clock, and 3.88e+03 ms more to have the results"),
        (Ahead, "4.12e+03 ms by the clock, and 8.25e+03 ms by the device's"),
    ],
)
def test_a_missing_wait_is_seen_after_several_looks(monkeypatch, adapter, words):
    counter, measured = late(adapter, monkeypatch)
    with pytest.raises(MissingWait, match=re.escape(f"look: {words}: the wait is missing")):
        measured.parts("look", 4)
    assert counter.diary.count(100) == 4 * WAIT_TRIES


def test_one_slow_fetch_is_the_machines(monkeypatch):
    counter, measured = late(Unclocked, monkeypatch)
    adapter, fetched = measured.candidate.adapter, []

    def to_numpy(array: np.ndarray) -> np.ndarray:
        counter.seconds += 0.0 if fetched else 50.0
        fetched.append(1)
        return Unclocked.to_numpy(adapter, array)

    adapter.to_numpy = to_numpy
    measured.parts("look", 4)
    assert len(fetched) == 4  # it was looked at twice


def test_transfers_are_timed_apart_and_without_the_calls(monkeypatch):
    _, measured = late(Unclocked, monkeypatch)
    # One array there; a state's weights and a loss back.
    assert measured.transfers("step") == Transfer(to_device=0.25, from_device=0.5)
    assert measured.transfers("look") == Transfer(to_device=0.25, from_device=0.25)


def test_of_several_transfers_the_middle_one_counts(monkeypatch):
    _, measured = late(Unclocked, monkeypatch)
    copies = iter([9.0] * 4 + [0.25] * 4 * (TRANSFERS - 1))  # an array and the weights there, and two back
    monkeypatch.setattr(Unclocked, "COPY", property(lambda _: next(copies)))
    assert measured.transfers("step") == Transfer(to_device=0.25, from_device=0.5)
    assert next(copies, None) is None


@pytest.mark.parametrize(
    ("rates", "asked"),
    [
        ([None], 1),  # there is no GPU, or its driver says nothing
        ([1000.0] * 9, READINGS),
        ([200.0, 1000.0, 1000 * (1 + FLAT / 2), 1000.0, 7.0], 4),
        ([200.0, 1000.0, 1000 * (1 + 2 * FLAT), 1000.0, 1000.0, 1000.0, 7.0], 6),
    ],
)
def test_a_device_works_until_its_clock_rate_is_flat(monkeypatch, rates, asked):
    counter = Counter(cost=READING_SECONDS)
    measured = tasks_of(counter, monkeypatch)
    left = list(rates)
    measured.warm_device(lambda: left.pop(0))
    assert len(rates) - len(left) == asked
    assert counter.seconds >= (asked - 1) * READING_SECONDS
    assert (counter.seconds > 0) == (asked > 1)


def test_a_clock_rate_that_never_settles_is_not_waited_for(monkeypatch):
    counter, rates = Counter(cost=READING_SECONDS), itertools.cycle([1000.0, 1500.0])
    measured = tasks_of(counter, monkeypatch)
    measured.warm_device(lambda: next(rates))
    assert WARM_SECONDS <= counter.seconds < WARM_SECONDS + 3 * READING_SECONDS


def test_what_is_examined_goes_under_the_clock(counter, monkeypatch):
    """Some frameworks know whether they are timed: the examined call is the timed one."""
    measured = tasks_of(counter, monkeypatch, kind=TimedCandidate)
    x = INPUTS.arrays["x"]
    returned = measured.candidate.native_calls.invoke("look", 100, [x])
    assert returned is x
    assert counter.diary == ["clock", 100, "clock"]
    assert isinstance(measured.candidate.on(INPUTS), TimedCandidate)
