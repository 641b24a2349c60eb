"""The judge as a parent sees it: a process beside those of the implementations that it examines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from samestep.agreement.verdict import TIMEOUT
from samestep.workers.process import WorkerLost, WorkerProcess
from samestep.workers.request import A, Request


class Judge:
    """A process that is started with the first question, and anew after it was lost.

    It judges one implementation at a time, and the parent passes its raw calls on. As a context manager it is
    gone afterwards.
    """

    def __init__(self, start: Callable[[], WorkerProcess]) -> None:
        self.start = start
        self.process: WorkerProcess | None = None

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, worker: WorkerProcess, request: Request[A], seconds: float) -> A:
        """Return the judge's answer about the implementation in a worker.

        Raises as `WorkerProcess.ask`, where a process is lost whichever it is; of the judge that is said.
        """
        self.process = judge = self.process or self.start()
        try:
            return judge.ask(request, seconds, worker.exchange)
        except WorkerLost as lost:
            if lost.worker is not judge:
                raise
            self.stop()
            verdict, what = lost.verdict, "" if lost.verdict.verdict == TIMEOUT else "the judge's process: "
            raise WorkerLost(replace(verdict, reason=f"{what}{verdict.reason}"), lost.stderr, judge) from None

    def stop(self) -> None:
        """End its process."""
        if self.process is not None:
            self.process.stop()
            self.process = None
