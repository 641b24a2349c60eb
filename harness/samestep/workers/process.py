"""A worker as its parent sees it: started with its environment, asked, and gone when it should be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from samestep.agreement.verdict import CRASHED, OUT_OF_MEMORY, TIMEOUT, Verdict
from samestep.errors import SamestepError
from samestep.frameworks import Settings
from samestep.measure import clock
from samestep.measure.account import Spent, spent_by
from samestep.workers import cleanup, descendants, protocol
from samestep.workers.cleanup_process import VARIABLE
from samestep.workers.connection import POLL_SECONDS, Connection, Ended, Foreign, Late, TooLarge
from samestep.workers.environment import environment, processor_sets, tidy
from samestep.workers.frames import ANSWER, ID_BYTES, NO_ANSWER, REQUEST, Message
from samestep.workers.protocol import Failed, Misused
from samestep.workers.request import A, Request

#: The folder that the package lies in, and the first file of a worker's process.
ROOT = Path(__file__).resolve().parents[2]
START = Path(__file__).with_name("start.py")

#: Characters of a worker's standard error that are kept.
STDERR_TAIL = 2000

#: What a worker runs: the module of `samestep.workers` that serves.
IMPLEMENTATIONS, JUDGE = "server", "judge_server"


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
    """A ``worker`` died or was stopped, or is of no use any more."""

    def __init__(self, verdict: Verdict, stderr: str | None, worker: WorkerProcess | None = None) -> None:
        super().__init__(verdict, stderr)
        self.worker = worker


@dataclass(frozen=True)
class Deadline:
    """The moment, by the clock, until which an answer must be there, after so many ``seconds``."""

    moment: float
    seconds: float


class WorkerProcess:
    """A live server of `samestep.workers`. As a context manager it is gone afterwards, children included."""

    def __init__(
        self,
        settings: Settings,
        python: str = sys.executable,
        cache: Path | None = None,
        bound_to: Sequence[int] | None = None,
        serves: str = IMPLEMENTATIONS,
        path: Sequence[Path] = (),
    ) -> None:
        """Start a process with an interpreter, a folder of compilers' caches and a set of processors; modules
        are looked for in the folders of ``path`` first.

        Raises SamestepError where the interpreter cannot be started.
        """
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the worker)
        self.mark = secrets.token_hex(ID_BYTES)
        mine, its = socket.socketpair()
        processors = list(bound_to or processor_sets(settings.threads)[0])
        begin = json.dumps([str(ROOT), processors, serves, its.fileno()])
        # -P: the current directory shadows nothing; faulthandler: a segmentation fault says where.
        command = [python, "-P", "-X", "faulthandler", str(START), begin]
        variables = environment(settings.device, settings.threads, cache)
        if path:
            inherited = os.environ.get("PYTHONPATH")
            variables["PYTHONPATH"] = os.pathsep.join([*map(str, path), *([inherited] if inherited else [])])
        if cache is not None:
            tidy(Path(variables["TMPDIR"]))
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self.stderr,
                stderr=self.stderr,
                pass_fds=[its.fileno()],
                env={**os.environ, **variables, VARIABLE: self.mark},
                start_new_session=True,
            )
        except OSError as error:
            mine.close()
            raise SamestepError(f"{python} cannot be started: {error.strerror}") from error
        finally:
            its.close()
        cleanup.watch(self.process.pid, self.mark)  # it leads a group of its own
        self.connection = Connection(mine, lambda: self.process.poll() is None)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(
        self, request: Request[A], seconds: float, relay: Callable[[Message, Deadline], Message] | None = None
    ) -> A:
        """Return the worker's answer; ``relay`` answers what it asks itself meanwhile, if it may.

        Raises `WorkerLost` if it dies or does not answer within N ``seconds``, `RequestFailed` where the
        request raised there, and SamestepError where the user made a mistake.
        """
        deadline = Deadline(clock.now() + seconds, seconds)
        message = self.exchange(protocol.write_request(request), deadline, relay)
        try:
            answer = protocol.read_answer(request.ANSWER, message)
        except ValueError as error:
            raise self._lost(
                Verdict(CRASHED, f"answered {request.OP!r} with what is no answer: {error}")
            ) from None
        if isinstance(answer, Misused):
            raise SamestepError(answer.usage)
        if isinstance(answer, Failed):
            raise RequestFailed(answer.verdict, answer.traceback)
        return answer

    def exchange(
        self,
        message: Message,
        deadline: Deadline,
        relay: Callable[[Message, Deadline], Message] | None = None,
    ) -> Message:
        """Return the answer to a request, both as they are sent. Raises `WorkerLost` as `ask` does."""
        request = secrets.token_bytes(ID_BYTES)
        with self._watched(deadline):
            if unasked := self.connection.unasked():
                raise Foreign(repr(unasked))
            self.connection.send(request, REQUEST, message, deadline.moment)
        while True:
            with self._watched(deadline):
                kind, found = self.connection.receive(request, deadline.moment)
                if kind == ANSWER:
                    return found
                if relay is None or kind != REQUEST:
                    raise Foreign("a request of its own")
            kind, answer = NO_ANSWER, Message(b"")
            try:
                kind, answer = ANSWER, relay(found, deadline)
            finally:
                with self._watched(deadline):
                    self.connection.send(request, kind, answer, deadline.moment)

    @contextlib.contextmanager
    def _watched(self, deadline: Deadline) -> Iterator[None]:
        """Raise `WorkerLost` for what goes wrong on the connection."""
        try:
            yield
        except Late:
            raise self._lost(Verdict(TIMEOUT, f"no answer within {deadline.seconds:.0f} s")) from None
        except Ended:
            raise self._lost(self._death()) from None
        except Foreign as foreign:
            reason = f"wrote to samestep's channel what is no answer to the request: {foreign}"
            raise self._lost(Verdict(CRASHED, reason)) from None
        except TooLarge as answer:
            raise self._lost(Verdict(OUT_OF_MEMORY, str(answer))) from None

    def spent(self) -> Spent:
        """Return what the kernel has counted of it until now."""
        return spent_by(self.process.pid)

    def kill(self) -> None:
        """End it, from any thread; whoever waits for its answer gets `WorkerLost`."""
        if self.process.poll() is None:
            self._kill_group()

    def stop(self) -> None:
        """End the worker and whatever it started: nothing of it may run on beside the next turn."""
        if self.stderr.closed:  # it is stopped already, and its number may be another's by now
            return
        descendants.end(self.process.pid, self.mark)
        cleanup.forget(self.process.pid)
        self.process.wait()
        self.connection.close()
        self.stderr.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # nobody is left; another thread may have ended it
            os.killpg(self.process.pid, signal.SIGKILL)

    def _death(self) -> Verdict:
        """Return how it ended. Nobody but the kernel sends SIGKILL here, and it does so for memory."""
        try:
            status = self.process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return Verdict(CRASHED, "closed samestep's channel and went on")
        if status == -signal.SIGKILL:
            return Verdict(OUT_OF_MEMORY, "killed by the kernel, most likely for want of memory")
        how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        return Verdict(CRASHED, how + _last_words(self._stderr_end(1 << 16)))

    def _lost(self, verdict: Verdict) -> WorkerLost:
        return WorkerLost(verdict, self._stderr_end(STDERR_TAIL), self)

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
