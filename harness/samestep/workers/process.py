"""A worker as its parent sees it: started with its environment, asked, and gone when it should be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from samestep.agreement.verdict import CRASHED, OUT_OF_MEMORY, TIMEOUT, Verdict
from samestep.errors import SamestepError
from samestep.frameworks import Settings
from samestep.measure import clock
from samestep.workers import cleanup, protocol
from samestep.workers.environment import environment, processor_sets, tidy
from samestep.workers.protocol import Failed, Misused, Request

#: The folder that the package lies in, and the first file of a worker's process.
ROOT = Path(__file__).resolve().parents[2]
START = Path(__file__).with_name("start.py")

#: Characters of a worker's standard error that are kept.
STDERR_TAIL = 2000

#: How often a silent worker is looked after, in seconds: it may be dead while a child of its own holds the
#: pipe.
POLL_SECONDS = 1.0

A = TypeVar("A")


class NoAnswer(Exception):
    """A request has no answer: ``verdict`` is what that makes of the cell, ``stderr`` a traceback or the end
    of what the worker wrote on standard error."""

    def __init__(self, verdict: Verdict, stderr: str | None) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict
        self.stderr = stderr


class RequestFailed(NoAnswer):
    """The request raised in the worker, which goes on."""


class WorkerLost(NoAnswer):
    """The worker died or was stopped."""


class WorkerProcess:
    """A live `samestep.workers.server`. As a context manager it is gone afterwards, children included."""

    def __init__(
        self,
        settings: Settings,
        python: str = sys.executable,
        cache: Path | None = None,
        bound_to: Sequence[int] | None = None,
    ) -> None:
        """Start a process with an interpreter, a folder of compilers' caches and a set of processors.

        Raises SamestepError where the interpreter cannot be started.
        """
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the worker)
        begin = json.dumps([str(ROOT), list(bound_to or processor_sets(settings.threads)[0])])
        # -P: the current directory shadows nothing; faulthandler: a segmentation fault says where.
        command = [python, "-P", "-X", "faulthandler", str(START), begin]
        variables = environment(settings.device, settings.threads, cache)
        if cache is not None:
            tidy(Path(variables["TMPDIR"]))
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                env={**os.environ, **variables},
                start_new_session=True,
            )
        except OSError as error:
            raise SamestepError(f"{python} cannot be started: {error.strerror}") from error
        cleanup.watch(self.process.pid)  # it leads a group of its own
        self.buffer = b""

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, request: Request[A], seconds: float) -> A:
        """Return the worker's answer.

        Raises `WorkerLost` if it dies or does not answer within N ``seconds``, `RequestFailed` where the
        request raised there, and SamestepError where the user made a mistake.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write((protocol.write_request(request) + "\n").encode())
            self.process.stdin.flush()
        except OSError:  # it died before it read: how, its exit status tells
            raise self._lost(self._death()) from None
        answer = protocol.read_answer(request.ANSWER, self._line(clock.now() + seconds, seconds))
        if isinstance(answer, Misused):
            raise SamestepError(answer.usage)
        if isinstance(answer, Failed):
            raise RequestFailed(answer.verdict, answer.traceback)
        return answer

    def kill(self) -> None:
        """End it, from any thread; whoever waits for its answer gets `WorkerLost`."""
        if self.process.poll() is None:
            self._kill_group()

    def stop(self) -> None:
        """End the worker and whatever it started: nothing of it may run on beside the next turn."""
        if self.stderr.closed:  # it is stopped already, and its number may be another's by now
            return
        self._kill_group()
        cleanup.forget(self.process.pid)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # unsent bytes of a request that nobody will read
                    pipe.close()
        self.stderr.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # nobody is left; another thread may have ended it
            os.killpg(self.process.pid, signal.SIGKILL)

    def _line(self, deadline: float, allowed: float) -> bytes:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.buffer:
                left = deadline - clock.now()
                if left <= 0:
                    raise self._lost(Verdict(TIMEOUT, f"no answer within {allowed:.0f} s"))
                alive = self.process.poll() is None  # asked first: what it wrote before it died is read below
                if selector.select(min(left, POLL_SECONDS) if alive else 0):
                    chunk = os.read(self.process.stdout.fileno(), 1 << 16)
                    if not chunk:
                        raise self._lost(self._death())
                    self.buffer += chunk
                elif not alive:  # a child of its own keeps the pipe open
                    raise self._lost(self._death())
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def _death(self) -> Verdict:
        """Return how it ended. Nobody but the kernel sends SIGKILL here, and it does so for memory."""
        try:
            status = self.process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return Verdict(CRASHED, "closed its pipe and went on")
        if status == -signal.SIGKILL:
            return Verdict(OUT_OF_MEMORY, "killed by the kernel, most likely for want of memory")
        how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        return Verdict(CRASHED, how + _last_words(self._stderr_end(1 << 16)))

    def _lost(self, verdict: Verdict) -> WorkerLost:
        return WorkerLost(verdict, self._stderr_end(STDERR_TAIL))

    def _stderr_end(self, size: int) -> str:
        """Return the end of what it wrote on standard error."""
        self.stderr.seek(0, os.SEEK_END)
        self.stderr.seek(max(0, self.stderr.tell() - size))
        return self.stderr.read().decode(errors="replace")


def _last_words(stderr: str) -> str:
    """Return the last line on standard error, or the place in Python where a fatal signal struck."""
    text, _, dump = stderr.partition("Fatal Python error: ")
    struck = re.search(r'^Current thread .*\n  File "(.+)", line (\d+)', dump, re.MULTILINE)
    if struck:
        return f" ({Path(struck[1]).name}:{struck[2]})"
    lines = text.strip().splitlines()
    return f": {lines[-1].strip()[:300]}" if lines else ""
