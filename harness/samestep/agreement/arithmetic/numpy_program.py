"""The engine for plain NumPy code: it runs on an array type that follows its rounding.

`ProgramNoise` is `samestep.agreement.arithmetic.noise.Noise` for code that nobody wrote for samestep: it
finds the code's literals and captured constants, repeats the exact run's conversions to integers, and lets
an absorbed addend go without rounding.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Self

import numpy as np
import numpy.typing as npt

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS
from samestep.agreement.arithmetic.followed_code import followed
from samestep.agreement.arithmetic.noise import Noise
from samestep.agreement.arithmetic.program import (
    Contract,
    Finding,
    Key,
    Level,
    Literal,
    Nudge,
    Refused,
)
from samestep.agreement.arithmetic.program_tape import ProgramTape, user_line
from samestep.agreement.arithmetic.rounding_array import Array
from samestep.agreement.arithmetic.rules import RULES
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation
from samestep.agreement.limits import SIMULATED, TF32_ROUNDOFF, unit_roundoff

#: The unit roundoff of the operands of products that a contract declares; bfloat16 keeps 7 bits after the
#: point.
OPERANDS = {
    Contract.TF32: TF32_ROUNDOFF,
    Contract.BFLOAT16: 2.0**-8,
    Contract.FLOAT16: unit_roundoff("float16"),
}
ROUNDED_RESULTS = (Contract.BFLOAT16, Contract.FLOAT16)

#: Return the tensors of the code, given a function that lifts the arrays that it is called with.
Compute = Callable[[Callable[[Array], "ProgramNoise"]], Mapping[Key, Any]]


def units_beside_the_rules(ufunc: np.ufunc) -> float:
    """Return how much an operation rounds that has no bound in the table of rules; 0 for what it knows."""
    return 0.0 if ufunc.__name__ in RULES else ELEMENTWISE_UNITS.get(ufunc.__name__, 0.0)


class ProgramNoise(Noise):
    """A value of NumPy code in one run of a `ProgramTape`."""

    tape: ProgramTape

    def exact_integers(self, what: str) -> Array:
        value = super().exact_integers(what)
        return self.tape.as_first(value) if value.dtype == bool else value

    def lift(self, other: object) -> Self:
        if isinstance(other, type(self)):
            return other
        array = np.asarray(other)
        if array.dtype.kind != "f":
            return self.exact(array, self.tape)
        if array.ndim:
            value, moves = self.tape.constant(array)
            constant = self.exact(value, self.tape)
            return constant.with_rounding(value, moves) if moves.any() else constant
        return self.rounded(self.tape.literal(float(array)), self.tape)

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        if self.tape.is_recording:
            self.tape.operations.append(ufunc.__name__)
        values = [operand.value for operand in operands]
        floating = any(value.dtype.kind == "f" for value in values)
        units = units_beside_the_rules(ufunc)
        if floating and units:
            result = self.with_rounding(np.asarray(ufunc(*values)), units)
            return result.with_terms_of(operands)
        if ufunc not in (np.add, np.subtract) or not floating:
            return super().elementwise(ufunc, operands)
        a, b = values
        value = np.asarray(ufunc(a, b))
        absorbed = (value == a) | (np.abs(value) == np.abs(b))  # such a sum does not round
        return self.with_rounding(value, np.where(absorbed, 0.0, 1.0)).with_terms_of(operands)

    def product(self, a: Self, b: Self) -> Self:
        contract = self.tape.contract
        if contract is Contract.FLOAT32:
            return super().product(a, b)
        units = OPERANDS[contract] / SIMULATED[self.tape.precision]
        result = super().product(a.with_rounding(a.value, units), b.with_rounding(b.value, units))
        return result.with_rounding(result.value, units) if contract in ROUNDED_RESULTS else result

    def astype(self, dtype: npt.DTypeLike, copy: bool = True) -> Self:
        to = np.dtype(dtype)
        if to.kind == "f" and to.itemsize < self.tape.precision.itemsize:
            raise UnknownOperation(f"astype({to})")
        if to.kind == "f" and self.dtype.kind == "f":
            return self.each(np.copy)
        result = super().astype(to)
        if to.kind in "iu" and self.dtype.kind == "f":
            return self.like((self.tape.as_first(result.value),))
        return result


class NumpyProgram(Generic[Key]):
    """A `samestep.agreement.arithmetic.program.Program` of NumPy code; all its rounding is float32's.

    ``compute(lift)`` runs the code: it calls it with its arrays lifted, and returns its tensors by key, each
    a `ProgramNoise`, a plain array or a number.
    """

    def __init__(self, compute: Compute[Key], contract: Contract = Contract.FLOAT32) -> None:
        self.compute = compute
        self.contract = contract
        self._tape: ProgramTape | None = None
        self._exact: dict[Key, np.ndarray] = {}
        self._terms: dict[Key, int] = {}

    def exact(self, nudge: Nudge | None = None) -> Mapping[Key, np.ndarray]:
        """Return all tensors in float64; see `Program.exact`."""
        if nudge is not None:
            return _values(self._run(ProgramTape(self.contract, nudge)))
        self._recorded()
        return dict(self._exact)

    def replica(self, seed: int, level: Level = Level.OWN) -> Mapping[Key, np.ndarray]:
        """Return all tensors with each primitive's random error; OWN and DOUBLE are the same noise."""
        tape = self._recorded()
        tape.replay(seed, level)
        return _values(self._run(tape))

    @property
    def literals(self) -> Sequence[Literal]:
        """The literals that float32 does not hold and no short decimal gives."""
        return tuple(self._recorded().seen.literals)

    @property
    def constants(self) -> Mapping[str, np.ndarray]:
        """The arrays that the code has captured, by digest."""
        return dict(self._recorded().seen.constants)

    @property
    def findings(self) -> Sequence[Finding]:
        """The integers that rounding moved in a replica."""
        return tuple(self._tape.seen.findings) if self._tape else ()

    @property
    def terms(self) -> Mapping[Key, int]:
        """The length of the longest sum on the way to each tensor."""
        self._recorded()
        return dict(self._terms)

    @property
    def uniform(self) -> bool:
        """True: NumPy code is followed in float32 only."""
        return True

    @property
    def signature(self) -> str:
        """The digest of the operations of the exact run, of their errors and of all arrays."""
        return self._recorded().signature()

    def _recorded(self) -> ProgramTape:
        if self._tape is None:
            tape = ProgramTape(self.contract, None)
            tensors = self._run(tape)
            self._exact = _values(tensors)
            self._terms = {key: getattr(tensor, "terms", 1) for key, tensor in tensors.items()}
            self._tape = tape
        return self._tape

    def _run(self, tape: ProgramTape) -> Mapping[Key, Any]:
        try:
            with np.errstate(all="ignore"), followed(ProgramNoise.exact(0.0, tape), "the NumPy function"):
                return self.compute(lambda array: ProgramNoise.exact(tape.given(array), tape))
        except Refused:
            raise
        except UnknownOperation as unknown:
            raise Refused(str(unknown)) from unknown
        except Exception as error:  # whatever the user's code raises on an array type that is not ndarray
            place = user_line(traceback.extract_tb(error.__traceback__))
            raise Refused(
                f"{type(error).__name__} at {place}, on an array type that follows rounding: {error}"
            ) from error


def _values(tensors: Mapping[Key, Any]) -> dict[Key, np.ndarray]:
    plain = {key: t.value if isinstance(t, Noise) else np.asarray(t) for key, t in tensors.items()}
    return {
        key: value.astype(np.float64) if value.dtype.kind == "f" else value for key, value in plain.items()
    }
