"""A timed task starts from a fresh state, goes on from what it returned, and never meets the clock."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from harness.agreement.candidate import Candidate
from harness.frameworks import Settings
from harness.frameworks.numpy import Adapter
from harness.measure import clock, subject
from harness.measure.subject import SAMPLE_SECONDS, Peak, Subject
from harness.spec import Case, Inputs, Spec, Task


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

    def _called(self, state: int, result: np.ndarray) -> np.ndarray:
        self.diary.append(state)
        self.seconds += self.cost
        return result


def subject_of(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> Subject:
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=counter.perf_counter))
    settings = Settings()
    return Subject(Candidate(counter, Adapter(settings), settings, SPEC, SPEC.cases["only"], INPUTS))


@pytest.fixture
def counter() -> Counter:
    return Counter(cost=0.5)


@pytest.fixture
def measured(counter, monkeypatch) -> Subject:
    return subject_of(counter, monkeypatch)


def test_the_tasks_are_those_that_the_module_offers_in_the_specs_order(measured):
    assert measured.tasks == ["look", "step", "many", "epoch"]


def test_a_task_that_trains_goes_on_from_what_it_returned(counter, measured):
    measured.sample("step", 3)
    assert counter.diary == ["adopt", "clock", 100, 101, 102, "clock"]


def test_another_task_meets_the_same_state_each_time(counter, measured):
    measured.sample("look", 3)
    assert counter.diary == ["adopt", "clock", 100, 100, 100, "clock"]


def test_every_sample_starts_from_a_state_of_its_own(counter, measured):
    for _ in range(3):
        measured.sample("step", 1)
    assert counter.diary == ["adopt", "clock", 100, "clock", "adopt", "clock", 200, "clock",
                             "adopt", "clock", 300, "clock"]  # fmt: skip


def test_a_sample_says_what_was_measured(measured):
    sample = measured.sample("step", 4)
    assert (sample["seconds"], sample["loops"]) == (2.0, 4)
    assert sample["switches"] >= 0


def test_a_task_gets_the_values_of_the_case(measured):
    x, rate = measured.arguments["step"]
    assert x.dtype == "float32"
    assert (list(x), rate) == ([0, 1, 2], 2.0)


def test_steps_are_a_number_or_the_rows_of_an_array(measured):
    assert {task: measured.candidate.steps(task) for task in measured.tasks} == {
        "look": None, "step": None, "many": 7, "epoch": 5,
    }  # fmt: skip


@pytest.mark.parametrize("cost", [1e-7, 3e-5, 0.004, 0.015, 2.0])
def test_calibration_ends_with_a_sample_that_is_long_enough_and_not_much_longer(monkeypatch, cost):
    counter = Counter(cost)
    loops = subject_of(counter, monkeypatch).calibrate("step")
    assert subject_of(counter, monkeypatch).sample("step", loops)["seconds"] >= SAMPLE_SECONDS
    # Half as many calls would have been too short, or one is long enough by itself.
    assert loops == 1 or loops / 2 * cost < SAMPLE_SECONDS


def test_calibration_ends_where_the_clock_is_too_coarse_to_see_a_call(monkeypatch):
    counter = Counter(cost=1e-6)
    measured = subject_of(counter, monkeypatch)
    ticking = SimpleNamespace(perf_counter=lambda: round(counter.seconds, 2))
    monkeypatch.setattr(clock, "time", ticking)
    assert measured.calibrate("step") * counter.cost >= SAMPLE_SECONDS / 2


def test_a_peak_counts_the_multiply_adds_of_the_product(monkeypatch):
    monkeypatch.setattr(Peak, "SIZE", 8)
    sample = Peak(Adapter(Settings()), "float32").sample()
    assert sample["flops"] == 2 * 8**3
    assert sample["seconds"] > 0


def test_a_peak_multiplies_in_the_dtype_of_the_cell(monkeypatch):
    monkeypatch.setattr(subject.Peak, "SIZE", 4)
    assert {Peak(Adapter(Settings()), dtype).a.dtype.name for dtype in ("float32", "float64")} == {
        "float32", "float64",
    }  # fmt: skip
