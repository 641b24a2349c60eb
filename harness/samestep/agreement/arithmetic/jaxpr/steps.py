"""Steps of one primitive: values moved, numbers rounded, conversions to integers, and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.jaxpr.binding import (
    at_own_dtype,
    bound,
    is_complex,
    is_float,
    is_key,
    listed,
)
from samestep.agreement.arithmetic.jaxpr.indexing import gather, scatter_add
from samestep.agreement.arithmetic.jaxpr.kernels import MAKERS, SHAPED
from samestep.agreement.arithmetic.jaxpr.operation import Operation, Origin
from samestep.agreement.arithmetic.jaxpr.rounding import Rounding, dense_strides, groups_of, held
from samestep.agreement.arithmetic.jaxpr.state import Run, Taint, longest
from samestep.agreement.arithmetic.jaxpr.widths import rounding_of
from samestep.agreement.arithmetic.program import Contract, Level
from samestep.agreement.limits import TF32_ROUNDOFF

Array = np.ndarray
Values = list[Any]
First = tuple[Values, list[Taint], Any]

#: Roundoff of a product's operands under each contract.
OPERANDS = {Contract.TF32: TF32_ROUNDOFF, Contract.BFLOAT16: 2.0**-8, Contract.FLOAT16: 2.0**-11}
RANDOM = ("random_bits", "threefry2x32", "rng_bit_generator")


def kernel_of(equation: Any) -> Any:
    """Return an equation as a function of its operands, by NumPy where it can do it."""
    name = equation.primitive.name
    avals = [v.aval for v in equation.invars]
    if any(is_key(aval) for aval in (*avals, *(v.aval for v in equation.outvars))):
        return bound(equation)
    integers = bool(avals) and not is_float(avals[0].dtype)
    if name == "div":
        return bound(equation) if integers else np.divide
    if name == "rem":
        return bound(equation) if integers else np.fmod
    if name == "sign":
        return np.sign
    if name == "pow":
        return bound(equation) if integers else np.power
    if name == "convert_element_type":
        return _convert(equation)
    if (integers and name == "integer_pow") or (name == "round"):
        return bound(equation)
    if name in MAKERS:
        return MAKERS[name](equation.params)
    if name in ("gather", "scatter-add", "scatter_add") and is_float(avals[0].dtype):
        return (gather if name == "gather" else scatter_add)(equation, bound(equation))
    shaped = None
    if name in SHAPED and (is_float(avals[0].dtype) or name in ("pad", "dot_general")):
        shaped = SHAPED[name](equation.params, [tuple(aval.shape) for aval in avals])
    return shaped or bound(equation)


def _convert(equation: Any) -> Any:
    target, source = equation.outvars[0].aval.dtype, equation.invars[0].aval.dtype
    if is_complex(target):
        return lambda a: np.array(a, np.complex128)
    if is_float(target):
        return lambda a: np.array(np.real(a), np.float64) if not is_float(source) else np.asarray(a).copy()
    return bound(equation) if is_float(source) else (lambda a: np.asarray(a).astype(target))


class Moved:
    """Values are moved or chosen; integers that come out otherwise in a replica are a finding."""

    def __init__(self, origin: Origin) -> None:
        self.origin, self.kernel = origin, kernel_of(origin.equation)
        self.many = False

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Return the results exactly, and the integers among them that rounding reaches."""
        if self.origin.name in RANDOM:
            run.found("random", self.origin.place, "draws random numbers")
        out = self.kernel(*operands)
        self.many, results = isinstance(out, (list, tuple)), list(listed(out))
        taint = longest(*taints)
        counts = [r if taint and not is_key(r) and r.dtype.kind in "iu" else None for r in results]
        record = counts if any(c is not None for c in counts) else None
        return results, [taint] * len(results), record

    def again(self, run: Run, operands: Values, record: list[Array | None] | None) -> Values:
        """Return the results anew."""
        results = listed(self.kernel(*operands))
        if record is not None:
            for result, exact in zip(results, record, strict=True):
                if exact is not None and not np.array_equal(result, exact):
                    flipped(run, self.origin)
        return list(results)


def flipped(run: Run, origin: Origin) -> None:
    """Report an integer that is another one in this run."""
    if run.draws is not None:
        text = f"{origin.name} gives another integer after rounding"
        run.found("decides", origin.place, text)


class ToInteger(Moved):
    """A float becomes an integer: replicas take the exact run's, for positions sit exactly on integers."""

    def again(self, run: Run, operands: Values, record: list[Array | None] | None) -> Values:
        """Return the exact run's integers."""
        assert record is not None
        if not np.array_equal(self.kernel(*operands), np.asarray(record[0])):
            flipped(run, self.origin)
        return list(record)


class OwnBits(Moved):
    """A dtype's own bits matter, so the value must be one that the dtype holds."""

    def __init__(self, origin: Origin) -> None:
        self.origin, self.kernel = origin, at_own_dtype(origin.equation)

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Return the result exactly. Raises `Refused` for a value that rounding reaches."""
        if any(taints):
            raise self.origin.refused("reads the bits of a computed number")
        return [self.kernel(*operands)], [None], None


class Rounded:
    """A result that rounds; what float32 holds exactly, of operands that no rounding reaches, does not."""

    def __init__(self, origin: Origin) -> None:
        self.origin, self.kernel = origin, kernel_of(origin.equation)
        self.many = False
        self.operation = Operation(origin, self.kernel)

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Return the result, and how it rounds."""
        out, taint = self.kernel(*operands), longest(*taints)
        reduces = self.operation.name == "reduce_precision"  # to fewer digits than its dtype has
        if taint is None and not reduces and held(out, self.operation.dtype):
            return [out], [None], None
        if not run.measures:
            return [out], [longest(taint, 1)], None
        rounding = rounding_of(self.operation, operands, out)
        if rounding is None:
            return [out], [taint], None
        run.record.uniform &= rounding.is_uniform
        exact = np.asarray(out)
        if run.draws is not None:
            out = rounding.apply(exact, run.draws, run.level)
        rounding.shape, rounding.strides = exact.shape, dense_strides(exact)
        return [out], [longest(taint, rounding.terms)], rounding

    def again(self, run: Run, operands: Values, record: Any) -> Values:
        """Return the result with its errors, or without in an exact run."""
        out = self.kernel(*operands)
        if record is None or run.draws is None:
            return [out]
        return [record.apply(out, run.draws, run.level)]


class Product(Rounded):
    """A product of matrices or a convolution, whose operands a contract may round first."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(origin)
        self.plain = Rounded(origin)

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Return the result, how it rounds, and how each operand does under the contract."""
        results, below, own = super().first(run, operands, taints)
        before = [self._operand(run, o, t) for o, t in zip(operands, taints, strict=True)]
        if any(before):
            below, run.record.uniform = [longest(*below, 1)], False
        return results, below, (own, before)

    def _operand(self, run: Run, operand: Array, taint: Taint) -> Rounding | None:
        u = OPERANDS.get(run.contract)
        if u is None or (taint is None and short_enough(operand, u)):
            return None
        return Rounding(u, None, groups_of(operand))

    def again(self, run: Run, operands: Values, record: Any) -> Values:
        """Return the result of rounded operands."""
        own, before = record
        if run.draws is not None and run.contract is not Contract.FLOAT32 and run.level is not Level.DOUBLE:
            operands = [
                o if b is None else b.apply(o, run.draws, run.level)
                for o, b in zip(operands, before, strict=True)
            ]
        results = super().again(run, operands, own)
        if run.draws is not None and run.level is not Level.DOUBLE and run.contract in NARROW:
            results = [Rounding(OPERANDS[run.contract], None).apply(results[0], run.draws, run.level)]
        return results


def short_enough(values: Array, u: float) -> bool:
    """Return whether a format with the unit roundoff ``u`` has the digits of all these values."""
    mantissa = np.frexp(values)[0] / u
    return bool(np.all(mantissa == np.floor(mantissa)))


#: Contracts whose results are rounded to the operands' format as well.
NARROW = (Contract.BFLOAT16, Contract.FLOAT16)


class Refusal:
    """An operation without a rule: it raises when it is reached."""

    def __init__(self, origin: Origin, why: str) -> None:
        self.origin, self.why = origin, why

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> First:
        """Raise `Refused`."""
        raise self.origin.refused(self.why)

    def again(self, run: Run, operands: Values, record: Any) -> Values:
        """Raise `Refused`."""
        raise self.origin.refused(self.why)
