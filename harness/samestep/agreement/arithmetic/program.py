"""What an engine makes of a user's model: a computation that it can run exactly, and with noise.

A `Program` holds its inputs. It is made by an engine (PyTorch: `samestep.agreement.arithmetic.torch`, JAX:
`samestep.agreement.arithmetic.jaxpr`, NumPy: the array type `samestep.agreement.arithmetic.noise.Noise`) from
code that runs in float32 or less, and interprets it in float64. What an engine cannot follow it refuses, by
name: a value is never lost silently.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np


class Refused(Exception):
    """The engine cannot follow this computation; the message names the operation and the place.

    It is no TypeError: Python's operators turn those into NotImplemented, and go on.
    """


class Level(Enum):
    """How large the rounding errors of a replica are.

    OWN: the unit roundoff of each result's own dtype, which is what the code really does. DOUBLE: what
    float64 does everywhere, simulated at float32's 2^-24 so that it can be seen, and to be scaled by
    `DOUBLE_SCALE`: 2^-53 / 2^-24. AMPLIFIED: that of OWN, `AMPLIFICATION` times as large: it shows which
    elements hang on a gate (a relu, a maximum, a top-k) that is nearly at its edge, and would not flip in a
    few plain replicas.
    """

    OWN = "own"
    DOUBLE = "double"
    AMPLIFIED = "amplified"


#: As far as an error may be by the elementwise limit for a sigma that is known (19.8), rounded up to that of
#: 100 replicas: a gate that honest rounding can flip is flipped by this noise about as often as not.
AMPLIFICATION = 22.0


#: From the noise of `Level.DOUBLE` to rounding at 2^-53.
DOUBLE_SCALE = 2.0**-29


class Contract(Enum):
    """The arithmetic that a caller declares for the matrix products of the candidate.

    FLOAT32: as the code says. TF32, BFLOAT16, FLOAT16: operands of products and convolutions are rounded to
    10, 7 or 10 bits after the point before they are multiplied; BFLOAT16 and FLOAT16 round results as well.
    """

    FLOAT32 = "float32"
    TF32 = "tf32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True)
class Literal:
    """A number in the code that its dtype does not hold, such as 1/sqrt(d) in float32.

    ``value`` is what the code computes with; ``roundoff`` the unit roundoff of the dtype that holds it. A
    literal with a shortest decimal of at most six digits (0.999, 1e-5) is read as that decimal and owes
    nothing, so it is none of these.
    """

    value: float
    roundoff: float


@dataclass(frozen=True)
class Nudge:
    """One thing to move in an exact run, by one rounding: a ``literal`` at all its sites, or all constants.

    ``sign`` is the way in which the literal moves: 1 away from 0, -1 towards it. ``constants`` is the seed of
    the random signs with which every element of every captured constant array is moved by one rounding of its
    dtype; constants whose bits the other side holds as well (``shared``: digests) stay.
    """

    literal: Literal | None = None
    constants: int | None = None
    shared: frozenset[str] = frozenset()
    sign: int = 1


@dataclass(frozen=True)
class Finding:
    """What an engine saw beside the values: a ``kind`` in a word, the ``place``, and a ``text`` for a person.

    Kinds: "decides" (the code decides on a value that rounding moves: another path, or an integer that flips
    in a replica), "random" (it draws random numbers), "lossy" (it reads a number out),
    "backend" (it is interpreted on another backend than its own).
    """

    kind: str
    place: str
    text: str


#: How a caller names the tensors of a program.
Key = TypeVar("Key", bound=Hashable)


class Program(Protocol[Key]):
    """A computation of named tensors that an engine can run; `Key` is the caller's name of a tensor.

    Every run returns the same keys in the order in which the tensors are computed, each with an array in
    float64 (or exact integers, or bools) of the shape that the code gives it.
    """

    def exact(self, nudge: Nudge | None = None) -> Mapping[Key, np.ndarray]:
        """Return all tensors in float64, without float32's rounding. Raises `Refused`."""
        ...

    def replica(self, seed: int, level: Level = Level.OWN) -> Mapping[Key, np.ndarray]:
        """Return all tensors in float64, each primitive with its random rounding error. Raises `Refused`.

        One seed is one replica, bit for bit.
        """
        ...

    @property
    def literals(self) -> Sequence[Literal]:
        """The distinct literals that are not held exactly, after the first exact run."""
        ...

    @property
    def constants(self) -> Mapping[str, np.ndarray]:
        """Captured constant arrays by the digest of their bytes, after the first exact run."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What was seen in the runs so far."""
        ...

    @property
    def terms(self) -> Mapping[Key, int]:
        """The length of the longest sum on the way to each tensor; 1 where it is not followed."""
        ...

    @property
    def uniform(self) -> bool:
        """Whether all rounding is float32's, so that `Level.OWN` and `Level.DOUBLE` are the same noise."""
        ...

    @property
    def signature(self) -> str:
        """The digest of what noise follows from: operations, dtypes, contract, arrays; after an exact run.

        It is the same in another process. Empty where it cannot be told: then nothing of it is kept.
        """
        ...


@dataclass
class Record:
    """A plain implementation of what a program reports, for engines to fill."""

    literals: list[Literal] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    terms: dict[object, int] = field(default_factory=dict)
    uniform: bool = True


#: Numbers that code computes once and writes as a literal, beside decimals, 1/n, sqrt(n) and 1/sqrt(n).
CONSTANTS = (
    *(k * math.pi for k in (0.5, 1.0, 2.0, 4.0)), 1 / math.pi, math.sqrt(2 / math.pi), math.sqrt(2 * math.pi),
    1 / math.sqrt(2 * math.pi), math.log(2), 1 / math.log(2), math.log(10), 1 / math.log(10), math.e,
    math.log(2 * math.pi), 0.5 * math.log(2 * math.pi), 2 / math.sqrt(math.pi), math.sqrt(math.pi),
)  # fmt: skip

#: How large an n in 1/n, sqrt(n) and 1/sqrt(n) is looked for. 2^16 of them stand among the 2^27 numbers that
#: float32 has between 2^-16 and 1: fewer than one in a thousand other numbers would be taken for one.
LARGEST_N = 2**16


@lru_cache(maxsize=4096)
def intended_number(value: float, dtype: str = "float32") -> float | None:
    """Return the number that a literal stands for where ``dtype`` only rounds it; None where none is known.

    A decimal of at most six digits (1e-5 as float32 holds it is 9.99999974e-06), 1/n, sqrt(n) or 1/sqrt(n) of
    an integer (1/sqrt(64) as an attention scale), or a constant such as sqrt(2/pi). Both sides of a
    comparison then compute with the same number, however each holds it. In float64 the last digit may be
    another one: d**-0.5 and 1 / sqrt(d) are the same number.
    """
    if not np.isfinite(value) or value == 0:
        return None
    decimal = shortest_decimal(value, dtype)
    if decimal is not None:
        return decimal
    size = abs(value)
    guesses = [*CONSTANTS]
    if 1 / LARGEST_N <= size < 1:
        guesses.append(1 / round(1 / size))
    if LARGEST_N**-0.5 <= size <= LARGEST_N**0.5:
        guesses += [math.sqrt(max(round(size**2), 1)), 1 / math.sqrt(max(round(size**-2), 1))]
    slack = float(np.spacing(size)) if dtype == "float64" else 0.0
    for guess in guesses:
        if abs(float(np.asarray(guess).astype(dtype)) - size) <= slack:
            return math.copysign(guess, value)
    return None


def shortest_decimal(value: float, dtype: str = "float32") -> float | None:
    """Return the decimal number of at most six digits that ``dtype`` rounds to ``value``; None without one.

    1e-5 as float32 holds it is 9.99999974e-06, and is read back as 1e-5.
    """
    if not np.isfinite(value):
        return None
    decimal = float(f"{value:.6g}")
    return decimal if float(np.asarray(decimal).astype(dtype)) == value else None


def constant_digest(array: np.ndarray) -> str:
    """Return the name of a captured array's contents: the digest of its numbers in ascending order.

    Its shape, layout and dtype do not count: a transposed kernel, or one that another framework holds, is the
    same constant as long as every number in it is. Floating dtypes up to float64, in any shape.
    """
    numbers = np.sort(array.astype(np.float64), axis=None) + 0.0  # -0 is 0
    return hashlib.sha256(numbers.tobytes()).hexdigest()[:32]
