"""Work side by side: a thread for each set of processors, and the workers that are used meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import TypeVar

from samestep.errors import SamestepError
from samestep.workers.process import WorkerProcess

T = TypeVar("T")
R = TypeVar("R")


class WorkerPool:
    """Threads that work side by side, each on one of these sets of processors.

    A worker is started, and used, while they last: the kernel ends it with the thread that started it.
    """

    def __init__(self, places: Sequence[list[int]]) -> None:
        self.threads = ThreadPoolExecutor(len(places))
        self.free: SimpleQueue[list[int]] = SimpleQueue()
        self.workers: list[WorkerProcess] = []
        self.stopped = False
        for place in places:
            self.free.put(place)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.threads.shutdown()

    def add(self, worker: WorkerProcess) -> WorkerProcess:
        """Return a worker that has just been started, which `stop` ends from now on.

        Raises SamestepError where the pool is stopped already; then the worker is ended.
        """
        self.workers.append(worker)
        if self.stopped:
            worker.stop()
            raise SamestepError("stopped")
        return worker

    def stop(self) -> None:
        """End all workers, whichever thread waits for them, and let none start any more."""
        self.stopped = True
        for worker in list(self.workers):
            worker.kill()

    def each(
        self,
        items: Iterable[T],
        work: Callable[[T, list[int]], R],
        on_result: Callable[[T, R], None] = lambda item, result: None,
    ) -> None:
        """Do the work of every item, on one of the sets of processors.

        ``on_result`` gets each item with its result as it comes, in the caller's thread. Whatever the work
        raises ends the pool's workers and is raised here.
        """
        waiting = {self.threads.submit(self._work, item, work): item for item in items}
        try:
            for done in as_completed(waiting):
                on_result(waiting[done], done.result())
        except BaseException:  # an interrupt, or a mistake of the user's: nobody waits for the rest
            self.threads.shutdown(wait=False, cancel_futures=True)
            self.stop()
            raise

    def _work(self, item: T, work: Callable[[T, list[int]], R]) -> R:
        place = self.free.get()
        try:
            return work(item, place)
        finally:
            self.free.put(place)
