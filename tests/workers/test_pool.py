"""Work side by side: each item on a free set of processors, and nothing goes on after an error."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from samestep.errors import SamestepError
from samestep.workers.pool import WorkerPool


class Worker(SimpleNamespace):
    """Counts how often it was ended."""

    killed = stopped = 0

    def kill(self) -> None:
        self.killed += 1

    def stop(self) -> None:
        self.stopped += 1


def test_every_item_is_done_on_a_set_that_no_other_item_holds():
    held: set[int] = set()
    lock, together = threading.Lock(), threading.Barrier(2, timeout=10)

    def work(item: int, place: list[int]) -> int:
        with lock:
            assert not held & set(place)
            held.update(place)
        together.wait()  # two go on at once
        with lock:
            held.difference_update(place)
        return 10 * item

    results: dict[int, int] = {}
    caller = threading.get_ident()

    def on_result(item: int, result: int) -> None:
        assert threading.get_ident() == caller
        results[item] = result

    with WorkerPool([[0, 1], [2, 3]]) as pool:
        pool.each(range(6), work, on_result)
        assert results == {item: 10 * item for item in range(6)}
        pool.each([1, 2], work)  # and without anybody to hear of it


def test_an_error_ends_the_workers_and_what_has_not_begun():
    begun: list[int] = []
    ended = threading.Event()

    def work(item: int, place: list[int]) -> None:
        begun.append(item)
        if item == 1:
            raise ValueError("item 1 is broken")
        assert ended.wait(10)  # as one that waits for its worker, which `stop` ends

    worker = Worker()
    worker.kill = ended.set
    with WorkerPool([[0], [1]]) as pool:
        pool.add(worker)
        with pytest.raises(ValueError, match="item 1 is broken"):
            pool.each(range(9), work)
    assert ended.is_set()
    assert len(begun) <= 3  # the thread of item 1 may have begun another before it was cancelled


def test_an_error_of_the_listener_ends_the_workers_too():
    worker = Worker()

    def interrupt(item: int, result: None) -> None:
        raise KeyboardInterrupt

    with WorkerPool([[0]]) as pool:
        pool.add(worker)
        with pytest.raises(KeyboardInterrupt):
            pool.each([1], lambda item, place: None, interrupt)
    assert worker.killed == 1


def test_a_pool_that_was_stopped_ends_a_worker_that_was_just_started():
    before, after = Worker(), Worker()
    with WorkerPool([[0]]) as pool:
        assert pool.add(before) is before
        pool.stop()
        with pytest.raises(SamestepError, match=r"^stopped$"):
            pool.add(after)
    assert (before.killed, before.stopped) == (1, 0)
    assert after.stopped == 1
    assert pool.workers == [before, after]
