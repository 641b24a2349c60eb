"""Work side by side: a thread for each set of processors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Lanes:
    """Threads that work side by side, each on one of these sets of processors; ``stop`` ends what they wait
    for.

    A worker is started, and used, while they last: the kernel ends it with the thread that started it.
    """

    def __init__(self, sets: Sequence[list[int]], stop: Callable[[], None]) -> None:
        self.stop = stop
        self.pool = ThreadPoolExecutor(len(sets))
        self.free: SimpleQueue[list[int]] = SimpleQueue()
        for one in sets:
            self.free.put(one)

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def each(
        self,
        items: Iterable[T],
        work: Callable[[T, list[int]], R],
        heard: Callable[[T, R], None] = lambda item, result: None,
    ) -> None:
        """Do the work of every item; ``heard`` gets what came of it as it comes, in the caller's thread."""
        waiting = {self.pool.submit(self._working, item, work): item for item in items}
        try:
            for done in as_completed(waiting):
                heard(waiting[done], done.result())
        except BaseException:  # an interrupt, or a mistake of the user's: nobody waits for the rest
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.stop()
            raise

    def _working(self, item: T, work: Callable[[T, list[int]], R]) -> R:
        place = self.free.get()
        try:
            return work(item, place)
        finally:
            self.free.put(place)
