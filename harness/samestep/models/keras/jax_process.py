"""A process with Keras's JAX backend, and programs that run there."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.program import Finding, Level, Literal, Nudge, Record, Refused
from samestep.agreement.arithmetic.worst_case import Enclosed
from samestep.models.keras.frames import Arrays, Header, read_frame, write_frame
from samestep.models.keras.message import part, read_enclosed, read_seen, text_key, write_nudge
from samestep.models.subject import ModelError
from samestep.models.tensors import TensorKey

#: Said of every program that runs there.
STAND_IN = Finding(
    "backend", "KERAS_BACKEND=jax", "interpreted on Keras's JAX backend, which agrees with the run on its own"
)


class JaxProcess:
    """One process, started at once; it ends with this one, or when nobody needs it any more."""

    def __init__(self) -> None:
        environment = {
            **os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)]),
        }  # fmt: skip
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        command = [sys.executable, "-m", "samestep.models.keras.jax_worker"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment
        )
        self.numbers = itertools.count()
        weakref.finalize(self, _end, self.process)

    def ask(self, header: Header, arrays: Arrays | None = None) -> tuple[Header, dict[str, np.ndarray]]:
        """Return the answer to a request. Raises `Refused`, also if the process died, and `ModelError`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            write_frame(self.process.stdin, header, arrays or {})  # type: ignore[arg-type]
            reply, results = read_frame(self.process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError) as error:
            the_process.cache_clear()  # the next model gets a new one
            raise Refused(f"the process of Keras's JAX backend ended: {self._last_line()}") from error
        if "refused" in reply:
            raise Refused(reply["refused"])
        if "wrong" in reply:
            raise ModelError(reply["wrong"])
        return reply, results

    def _last_line(self) -> str:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self.process.wait()}"


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()


@cache
def the_process() -> JaxProcess:
    """Return the process that all models of this one share."""
    return JaxProcess()


class RemoteProgram:
    """A program that another process runs, by its ``number`` there."""

    def __init__(self, process: JaxProcess, number: int) -> None:
        self._process, self._number = process, number
        self._seen = Record()
        self._exact: dict[TensorKey, np.ndarray] | None = None
        weakref.finalize(self, _forget, process, number)

    def exact(self, nudge: Nudge | None = None) -> Mapping[TensorKey, np.ndarray]:
        """Return all tensors in float64; see `Program.exact`."""
        if nudge is not None:
            return self._ask({"do": "exact", "nudge": write_nudge(nudge)})
        if self._exact is None:
            self._exact = self._ask({"do": "exact", "nudge": None})
        return dict(self._exact)

    def replica(self, seed: int, level: Level = Level.OWN) -> Mapping[TensorKey, np.ndarray]:
        """Return all tensors with each primitive's random error; see `Program.replica`."""
        return self._ask({"do": "replica", "seed": seed, "level": level.value})

    def enclosed(self, rounded: frozenset[str]) -> Mapping[TensorKey, Enclosed]:
        """Return all tensors with their bounds; see `Enclosing.enclosed`."""
        header = {"do": "enclosed", "rounded": sorted(rounded), "program": self._number}
        reply, arrays = self._process.ask(header)
        self._seen = read_seen(reply, arrays)
        return read_enclosed(reply, arrays)

    @property
    def literals(self) -> Sequence[Literal]:
        """The literals that are not held exactly."""
        return self._seen.literals

    @property
    def constants(self) -> Mapping[str, np.ndarray]:
        """Captured constant arrays by digest."""
        return self._seen.constants

    @property
    def findings(self) -> Sequence[Finding]:
        """What was seen, and where it was."""
        return (STAND_IN, *self._seen.findings)

    @property
    def terms(self) -> Mapping[TensorKey, int]:
        """The length of the longest sum on the way to each tensor."""
        terms: Any = self._seen.terms
        return dict(terms)

    @property
    def uniform(self) -> bool:
        """Whether all rounding is float32's."""
        return self._seen.uniform

    @property
    def signature(self) -> str:
        """Empty: the other process does not say."""
        return ""

    def _ask(self, header: Header) -> dict[TensorKey, np.ndarray]:
        reply, arrays = self._process.ask({**header, "program": self._number})
        self._seen = read_seen(reply, arrays)
        return {text_key(name): array for name, array in part(arrays, "tensor").items()}


def _forget(process: JaxProcess, number: int) -> None:
    if process.process.poll() is None:
        try:
            process.ask({"do": "close", "program": number})
        except Refused:
            return  # it ended, and forgot everything
