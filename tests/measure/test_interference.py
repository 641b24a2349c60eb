"""Whether somebody else had the processors, read off a kernel that is made up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from samestep.measure import interference
from samestep.measure.interference import SHARE, Interference, Reading

SECOND = 10**9


class Kernel:
    """/proc/self/task, and a count of stolen ticks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stolen = 0

    def thread(self, name: str, ran: float, waited: float = 0.0) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        self.write(name, f"{int(ran * SECOND)} {int(waited * SECOND)} 7\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name / "schedstat").write_text(text, encoding="ascii")

    def end(self, name: str) -> None:
        shutil.rmtree(self.folder / name)


@pytest.fixture
def kernel(tmp_path, monkeypatch) -> Kernel:
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(interference, "TASKS", tmp_path)
    monkeypatch.setattr(interference, "_stolen", lambda: kernel.stolen)
    monkeypatch.setattr(interference.os, "sched_getaffinity", lambda _: {0, 1})
    return kernel


def watched(found: Interference) -> set[str]:
    return {thread.name for thread in found.busy}


def test_the_threads_that_ran_are_watched_and_the_idle_ones_are_not(kernel):
    kernel.thread("main", ran=0.5)
    kernel.thread("pool", ran=0.02)
    kernel.thread("asleep", ran=0.005)
    found = Interference()
    found.settle(1.0)
    assert watched(found) == {"main", "pool"}


def test_only_what_ran_since_the_last_look_makes_a_thread_busy(kernel):
    kernel.thread("compiler", ran=3.0)
    kernel.thread("pool", ran=0.0)
    found = Interference()
    found.settle(500.0)
    assert watched(found) == set()
    kernel.thread("pool", ran=0.5)
    found.settle(1.0)
    assert watched(found) == {"pool"}


def test_a_thread_that_was_busy_once_stays_watched(kernel):
    kernel.thread("train", ran=1.0)
    kernel.thread("look", ran=0.0)
    found = Interference()
    found.settle(1.0)
    kernel.thread("look", ran=1.0)
    found.settle(1.0)
    assert watched(found) == {"train", "look"}


@pytest.mark.parametrize(("share", "disturbed"), [(0.0, False), (SHARE / 2, False), (2 * SHARE, True)])
@pytest.mark.parametrize("seconds", [0.02, 5.0])
def test_a_sample_is_disturbed_if_its_threads_waited_for_a_processor(kernel, seconds, share, disturbed):
    kernel.thread("main", ran=1.0, waited=40.0)  # before the sample
    kernel.thread("pool", ran=1.0)
    found = Interference()
    found.settle(1.0)
    before = found.read()
    kernel.thread("main", ran=2.0, waited=40.0 + share * seconds / 2)
    kernel.thread("pool", ran=2.0, waited=share * seconds / 2)
    assert found.read().disturbed(before, seconds) is disturbed


@pytest.mark.parametrize(("pool", "disturbed"), [(1, True), (2, False)])
def test_more_threads_than_processors_wait_for_each_other(kernel, pool, disturbed):
    names = ["main", *(f"pool{number}" for number in range(pool)), "hardly"]
    for name in names:
        kernel.thread(name, ran=1.0)
    found = Interference()
    found.settle(1.0)
    before = found.read()
    for name in names[:-1]:
        kernel.thread(name, ran=1.5, waited=0.25)
    kernel.thread("hardly", ran=1.0 + SHARE / 2)  # it takes no processor from anybody
    assert found.read().disturbed(before, 1.0) is disturbed
    kernel.stolen += 1  # which is somebody else's doing in any case
    assert found.read().disturbed(before, 1.0)


def test_what_an_idle_thread_waited_does_not_count(kernel):
    kernel.thread("main", ran=1.0)
    kernel.thread("asleep", ran=0.0)
    found = Interference()
    found.settle(1.0)
    before = found.read()
    kernel.thread("asleep", ran=0.0, waited=10.0)
    assert not found.read().disturbed(before, 1.0)


def test_a_sample_is_disturbed_if_the_hypervisor_ran_somebody_else(kernel):
    found = Interference()
    before = found.read()
    assert not found.read().disturbed(before, 1.0)
    kernel.stolen += 1
    assert found.read().disturbed(before, 1.0)


def test_a_thread_that_is_gone_waits_no_more(kernel):
    kernel.thread("main", ran=1.0)
    kernel.thread("pool", ran=1.0, waited=1.0)
    found = Interference()
    found.settle(1.0)
    before = found.read()
    kernel.end("pool")
    assert not found.read().disturbed(before, 0.001)
    found.settle(1.0)
    kernel.thread("main", ran=1.0, waited=1.0)
    assert {thread.name: waited for thread, (_, waited) in found.read().threads.items()} == {
        "main": SECOND, "pool": 0,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "0 0\n", "not numbers at all\n"])
def test_a_kernel_that_keeps_no_times_disturbs_nothing(kernel, text):
    kernel.thread("main", ran=1.0)
    kernel.write("main", text)
    found = Interference()
    found.settle(1.0)
    assert (watched(found), found.read()) == (set(), Reading({}, 0, 2))


def test_the_ticks_of_the_processors_that_may_be_used_are_counted(tmp_path, monkeypatch):
    lines = ["cpu  1 1 1 1 1 1 1 999 0 0", "cpu0 1 1 1 1 1 1 1 5 0 0", "cpu1 1 1 1 1 1 1 1 70 0 0",
             "cpu10 1 1 1 1 1 1 1 600 0 0", "intr 5 5 5 5 5 5 5 5 5"]  # fmt: skip
    file = tmp_path / "stat"
    file.write_text("\n".join(lines) + "\n", encoding="ascii")
    monkeypatch.setattr(interference, "Path", lambda _: file)
    monkeypatch.setattr(interference.os, "sched_getaffinity", lambda _: {0, 1})
    assert interference._stolen() == 75


def test_this_kernel_can_be_read():
    found = Interference()
    found.settle(0.0)
    reading = found.read()
    assert found.ran
    assert sum(ran for ran, _ in reading.threads.values()) > 0
    assert all(waited >= 0 for _, waited in reading.threads.values())
    assert reading.stolen >= 0
    assert reading.processors >= 1
