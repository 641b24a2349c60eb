"""What a run of NumPy code reads and moves: literals, captured constants, conversions to integers."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from samestep.agreement.arithmetic.noise import NoiseTape
from samestep.agreement.arithmetic.program import (
    AMPLIFICATION,
    Contract,
    Finding,
    Level,
    Literal,
    Nudge,
    Record,
    constant_digest,
    intended_number,
)
from samestep.agreement.arithmetic.rounding_array import Array
from samestep.agreement.limits import SIMULATED

#: A number of at most this many significant bits is a power of two, a small integer or a simple fraction,
#: which every framework holds alike.
SIMPLE_BITS = 12


class ProgramTape(NoiseTape):
    """The tape of one program: what was seen in its exact run, and what is moved in this one."""

    def __init__(self, contract: Contract, nudge: Nudge | None) -> None:
        super().__init__("float32")
        self.contract = contract
        self.nudge = nudge or Nudge()
        self.seen = Record()
        self.integers: list[Array] = []
        self.operations: list[str] = []
        self.read = hashlib.sha256()
        self.next_integers = 0

    def replay(self, seed: int, level: Level = Level.OWN) -> None:
        super().replay(seed)
        self.amplified = AMPLIFICATION if level is Level.AMPLIFIED else 1.0
        self.next_integers = 0

    def given(self, array: Array) -> Array:
        """Note an array that the code is given, and return it."""
        if self.is_recording:
            self.read.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
        return array

    def signature(self) -> str:
        """Return the digest of what was read, done and rounded in the exact run."""
        made = self.read.copy()
        for width in self.widths:
            made.update(f"{width.shape}".encode() + width.tobytes())
        made.update(" ".join([self.contract.value, *self.operations, *self.seen.constants]).encode())
        return made.hexdigest()[:32]

    def literal(self, value: float) -> float:
        """Return the number that the exact run computes with for a scalar of the code, and note a literal."""
        if is_simple(np.asarray(value)):
            return value
        for dtype in ("float64", "float32"):
            meant = intended_number(value, dtype)
            if meant is not None:
                return meant
        literal = Literal(value, SIMULATED[self.precision])
        if self.is_recording and literal not in self.seen.literals:
            self.seen.literals.append(literal)
        return value * (1 + self.nudge.sign * literal.roundoff) if literal == self.nudge.literal else value

    def constant(self, array: Array) -> tuple[Array, Array]:
        """Return a captured array in float64, nudged where it is asked, and which elements may round."""
        value = array.astype(np.float64)
        moves = ~is_simple(value)
        if not moves.any():  # zeros, masks, positions: every framework holds them alike
            return value, moves
        digest = constant_digest(array)
        if self.is_recording:
            self.seen.constants[digest] = array
        if self.nudge.constants is None or digest in self.nudge.shared:
            return value, moves
        rng = np.random.default_rng([self.nudge.constants, int(digest[:8], 16)])
        signs = rng.choice([-1.0, 1.0], size=array.shape)
        return np.where(moves, value * (1 + signs * SIMULATED[self.precision]), value), moves

    def as_first(self, integers: Array) -> Array:
        """Return the integers of the exact run for a conversion, so that a replica takes the same side."""
        if self.is_recording:
            self.integers.append(integers)
            return integers
        first = self.integers[self.next_integers]
        self.next_integers += 1
        if not np.array_equal(first, integers):
            place = user_line(traceback.extract_stack())
            finding = Finding("decides", place, f"rounding moves an integer that is computed at {place}")
            if finding not in self.seen.findings:
                self.seen.findings.append(finding)
        return first


def is_simple(values: Array) -> Array:
    """Return where every framework holds float64 numbers alike.

    They are integers, of few significant bits, the largest that float32 has (which masks), or not finite.
    """
    finite = np.isfinite(values)
    scaled = np.frexp(np.where(finite, values, 0.0))[0] * 2.0**SIMPLE_BITS
    whole = (values == np.round(values)) & (np.abs(values) < 1 / SIMULATED[np.dtype("float32")])
    largest = np.abs(values) == np.finfo(np.float32).max
    return np.asarray(~finite | (scaled == np.round(scaled)) | whole | largest)


_INSTALLED, _SAMESTEP = Path(np.__file__).parents[1], Path(__file__).parents[2]
#: Where frames that are not the user's lie: NumPy, SciPy, and what of samestep runs them.
OTHERS = tuple(
    str(path)
    for path in (
        _INSTALLED / "numpy",
        _INSTALLED / "scipy",
        *(_SAMESTEP / room for room in ("agreement", "models", "workers")),
    )
)


def user_line(stack: Sequence[traceback.FrameSummary]) -> str:
    """Return the innermost line of a stack that is neither a library's nor samestep's: file.py:12."""
    own = [frame for frame in stack if not frame.filename.startswith(OTHERS)]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown line"
