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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samestep.agreement.verdict import CRASHED, OUT_OF_MEMORY, TIMEOUT, Verdict
from samestep.errors import SamestepError
from samestep.measure import clock
from samestep.workers import cleanup

ROOT = Path(__file__).resolve().parents[2]
STDERR_TAIL = 2000

#: How the names begin of variables that change what a worker computes with, or how fast (not all of TF_: many
#: are Terraform's); and how those end that only say where something lies.
STEERING = (
    "ATEN_", "BLIS_", "CUBLAS_", "CUDA_", "CUDNN_", "DNNL_", "GLIBC_TUNABLES", "GOMP_", "JAX_", "KMP_",
    "LD_PRELOAD", "MALLOC_", "MKL_", "NPY_", "NUMEXPR_", "NVIDIA_TF32_OVERRIDE", "OMP_", "ONEDNN_",
    "OPENBLAS_", "PYTHONMALLOC", "PYTORCH_", "TF_CUDNN_", "TF_DETERMINISTIC_", "TF_DISABLE_", "TF_ENABLE_",
    "TF_FORCE_", "TF_GPU_", "TF_NUM_", "TF_USE_", "TF_XLA_", "TORCH", "XLA_",
)  # fmt: skip
PLACES = ("_DIR", "_HOME", "_PATH", "_ROOT")

#: A temporary file that nobody has touched for so long is nobody's.
LEFT_BEHIND_SECONDS = 24 * 3600.0

#: How often a silent worker is looked after: it may be dead while a child of its own holds the pipe.
POLL_SECONDS = 1.0


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
        # A pool whose worker waits for its turn must sleep, as a thread that spins slows the one that works,
        # but not at once: within a step a thread that sleeps is woken late. So each spins about as long as it
        # takes to ask for the next turn.
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "10000",
        "KMP_BLOCKTIME": "1",  # in milliseconds
        "OPENBLAS_THREAD_TIMEOUT": "20",  # 2^20 cycles
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        # A GPU is shared by the workers of a run: none may take all of its memory.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    if device == "cpu":
        variables |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    if cache is not None:  # compilers' caches; Inductor's precompiled headers are temporary files
        variables |= {
            "TMPDIR": str(cache / "temporary"),
            "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
            "TRITON_CACHE_DIR": str(cache / "triton"),
            "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
    return variables


def inherited(device: str) -> dict[str, str]:
    """What else steers a worker: variables of this process that `environment` leaves as they are. Of a path
    its last part is told."""
    own = environment(device, 1, Path())
    return {
        name: re.sub(r"/(?:[^/\s:,=]*/)*", "", value)
        for name, value in sorted(os.environ.items())
        if name.startswith(STEERING) and not name.endswith(PLACES) and name not in own
    }


def _tidy(folder: Path) -> None:
    """Make a folder for temporary files, without those that the killed left behind long ago; where it cannot
    be made, the worker takes the system's own."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):  # a folder, or gone meanwhile
            if clock.wall_time() - path.stat().st_mtime > LEFT_BEHIND_SECONDS:
                path.unlink()


def processors(threads: int) -> list[list[int]]:
    """Which processors to bind workers of so many threads to: disjoint sets of those that we may use."""
    mine = sorted(os.sched_getaffinity(0))
    return [mine[i : i + threads] for i in range(0, max(1, len(mine) - threads + 1), threads)]


class WorkerProcess:
    """A live ``samestep.workers.server``. Use as a context manager: it is gone afterwards, children included."""

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
        begin = json.dumps([str(ROOT), list(bound_to or processors(threads)[0])])
        # -P: the current directory shadows nothing; faulthandler: a segmentation fault says where.
        command = [python, "-P", "-X", "faulthandler", "-c", _START, begin]
        variables = environment(str(settings["device"]), threads, cache)
        if cache is not None:
            _tidy(Path(variables["TMPDIR"]))
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
            raise self._lost(self._death()) from None
        answer: dict[str, Any] = json.loads(self._line(clock.now() + seconds, seconds))
        if "usage" in answer:
            raise SamestepError(answer["usage"])
        return answer

    def kill(self) -> None:
        """Send it away, from any thread; whoever waits for its answer hears that it is lost."""
        if self.process.poll() is None:
            self._kill_group()

    def stop(self) -> None:
        """End the worker and whatever it started: nothing of it may run on beside the next turn."""
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
                alive = self.process.poll() is None  # asked first: what it said before it died is read below
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
        """How it ended, in words. Nobody but the kernel sends SIGKILL here, and it does so for memory."""
        try:
            status = self.process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return Verdict(CRASHED, "closed its pipe and went on")
        if status == -signal.SIGKILL:
            return Verdict(OUT_OF_MEMORY, "killed by the kernel, most likely for want of memory")
        how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        return Verdict(CRASHED, how + _last_words(self._said(1 << 16)))

    def _lost(self, verdict: Verdict) -> WorkerLost:
        return WorkerLost(verdict, self._said(STDERR_TAIL))

    def _said(self, size: int) -> str:
        """The end of what it wrote on standard error."""
        self.stderr.seek(0, os.SEEK_END)
        self.stderr.seek(max(0, self.stderr.tell() - size))
        return self.stderr.read().decode(errors="replace")


# What a worker does first. The affinity is set before NumPy or a framework counts the processors that it
# may use. Of the folder that samestep lies in, `samestep` is taken and nothing else: it may be
# the site-packages of another Python than the worker's. And a worker does not outlive its parent.
_START = """
import ctypes, json, os, signal, sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
root, processors = json.loads(sys.argv[1])
os.sched_setaffinity(0, processors)
spec = PathFinder.find_spec("samestep", [root])
sys.modules["samestep"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["samestep"])

from samestep.workers.server import main
main()
"""


def _last_words(stderr: str) -> str:
    """The last line on standard error, or the place in Python where a fatal signal struck."""
    said, _, dump = stderr.partition("Fatal Python error: ")
    struck = re.search(r'^Current thread .*\n  File "(.+)", line (\d+)', dump, re.MULTILINE)
    if struck:
        return f" ({Path(struck[1]).name}:{struck[2]})"
    lines = said.strip().splitlines()
    return f": {lines[-1].strip()[:300]}" if lines else ""
