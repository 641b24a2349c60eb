"""A worker as its parent sees it: started with its environment, asked, and gone when it should be."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.agreement.verdict import CRASHED, OUT_OF_MEMORY, TIMEOUT, Verdict
from harness.errors import SamestepError
from harness.measure import clock

ROOT = Path(__file__).resolve().parent.parent
STDERR_TAIL = 2000


class WorkerLost(Exception):
    """The worker died or was stopped; ``verdict`` says how, ``stderr`` ends with its last words."""

    def __init__(self, verdict: Verdict, stderr: str) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict
        self.stderr = stderr


def environment(device: str, threads: int, cache: Path | None = None) -> dict[str, str]:
    """The variables of a worker: everything that is read at import time stands before it starts."""
    count = str(threads)
    variables = {
        **{f"{pool}_NUM_THREADS": count for pool in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB")},
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        # A GPU is shared by the workers of a run: none may take all of its memory.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    if device == "cpu":
        variables |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    if cache is not None:  # compilers' caches, private to a run
        variables |= {
            "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
            "TRITON_CACHE_DIR": str(cache / "triton"),
        }
    return variables


def processors(threads: int) -> list[list[int]]:
    """Which processors to bind workers of so many threads to: disjoint sets of those that we may use."""
    mine = sorted(os.sched_getaffinity(0))
    return [mine[i : i + threads] for i in range(0, max(1, len(mine) - threads + 1), threads)]


class WorkerProcess:
    """A live ``harness.worker``. Use as a context manager: it is gone afterwards, children included."""

    def __init__(
        self,
        framework: str,
        settings: Mapping[str, Any],
        python: str = sys.executable,
        roots: Sequence[Path] = (),
        cache: Path | None = None,
        bound_to: Sequence[int] | None = None,
    ) -> None:
        threads = int(settings["threads"])
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the worker)
        command = [python, "-c", _START, json.dumps(bound_to or processors(threads)[0])]
        variables = environment(str(settings["device"]), threads, cache)
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
        self.opening = {
            "op": "open",
            "framework": framework,
            "settings": dict(settings),
            "roots": [str(root) for root in roots],
        }
        self.buffer = b""

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def open(self, seconds: float = 120) -> dict[str, Any]:
        return self.ask(self.opening, seconds)

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The worker's answer. Raises `WorkerLost` if it dies or does not answer in time."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write((json.dumps(request) + "\n").encode())
            self.process.stdin.flush()
        except OSError:  # it died before it read: how, its exit status tells
            raise self._lost() from None
        answer: dict[str, Any] = json.loads(self._line(clock.now() + seconds, seconds))
        if "usage" in answer:
            raise SamestepError(answer["usage"])
        return answer

    def stop(self) -> None:
        """End the worker and whatever it started: nothing of it may run on beside the next turn."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.process.poll()  # gone already
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # unsent bytes of a request that nobody will read
        self.stderr.close()

    def _line(self, deadline: float, allowed: float) -> bytes:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.buffer:
                left = deadline - clock.now()
                if left <= 0 or not selector.select(left):
                    raise self._lost(f"no answer within {allowed:.0f} s")
                chunk = os.read(self.process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise self._lost()
                self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def _lost(self, timeout: str | None = None) -> WorkerLost:
        verdict = Verdict(TIMEOUT, timeout) if timeout else _death(self.process.wait())
        self.stderr.seek(0, os.SEEK_END)
        self.stderr.seek(max(0, self.stderr.tell() - STDERR_TAIL))
        return WorkerLost(verdict, self.stderr.read().decode(errors="replace"))


# The affinity is set before NumPy or a framework is imported and counts the processors it may use.
_START = (
    "import json, os, sys; os.sched_setaffinity(0, json.loads(sys.argv[1])); "
    "from harness.worker import main; main()"
)


def _death(status: int) -> Verdict:
    """An exit status in words. Nobody but the kernel sends SIGKILL here, and it does so for memory."""
    if status == -signal.SIGKILL:
        return Verdict(OUT_OF_MEMORY, "killed by the kernel, most likely for want of memory")
    if status < 0:
        return Verdict(CRASHED, f"ended by {signal.Signals(-status).name}")
    return Verdict(CRASHED, f"exited with status {status}")
