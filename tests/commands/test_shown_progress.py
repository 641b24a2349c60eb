"""Without a terminal a line says every half minute what is done, what is left and how long that will take."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from samestep.commands.shown_progress import LINE_SECONDS, count_progress, run_progress
from samestep.jobs.eta import Eta, Unit
from samestep.measure import clock


@pytest.fixture
def passing(monkeypatch):
    """A clock on which only this lets time pass."""
    now = [1000.0]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def passing(seconds: float) -> None:
        now[0] += seconds

    return passing


@pytest.fixture(params=[False, True], ids=["a pipe", "a pipe, and FORCE_COLOR"])
def console(request) -> Console:
    return Console(file=io.StringIO(), width=40, force_terminal=request.param or None, color_system=None)


def lines(console: Console) -> list[str]:
    return console.file.getvalue().splitlines()


def test_a_run_says_every_half_minute_what_is_done_and_left(console, passing):
    eta = Eta(doing="two_layer:tiny [train]", pace=1.0)
    eta.expect({Unit("check", "numpy", "one"): 1, Unit("turn", "numpy", "one", "train"): 8})
    eta.done(Unit("check", "numpy", "one"), 2.0)
    eta.done(Unit("turn", "numpy", "one", "train"), 10.0)
    with run_progress(console) as watcher:
        for _ in range(3):
            watcher(eta)
            assert lines(console) == []
            passing(LINE_SECONDS / 4)
        passing(LINE_SECONDS / 4)
        watcher(eta)
        watcher(eta)
    assert lines(console) == [
        "samestep: 0:30 so far, ETA 1:10: two_layer:tiny [train]; 1 of 1 examinations, 1 of 8 samples"
    ]


def test_what_is_counted_says_how_long_the_rest_will_take(console, passing):
    with count_progress(console, "examining", 4) as done:
        done("two_layer/first")
        passing(2 * LINE_SECONDS)
        done("two_layer/second")
        done("two_layer/third")
    assert lines(console) == [
        "samestep: 1:00 so far, ETA 1:00: examining, 2 of 4 done, the last is two_layer/second"
    ]


def test_on_a_terminal_a_bar_is_drawn(passing):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    console = Console(file=Terminal(), width=80, force_terminal=True, color_system=None)
    with run_progress(console) as watcher:
        passing(2.0)
        watcher(Eta(doing="two_layer:tiny train"))
    text = console.file.getvalue()
    assert "two_layer:tiny train" in text
    assert "ETA 0:00" in text
    assert "so far" not in text
