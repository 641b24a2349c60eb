"""Sums of products, made of matrix products: dot, einsum, tensordot, inner, outer, vdot.

A handler takes the array whose protocol was called, and the function's own arguments.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.rounding_array import RoundingArray

Handler = Callable[..., Any]


def dot(self: RoundingArray, a: object, b: object, out: object = None) -> Any:
    """Return ``np.dot``: of more than two axes it sums the last of ``a`` and the last but one of ``b``."""
    if out is not None:
        raise UnknownOperation("np.dot with out=", "x[...] = the result")
    first, second = self.lift(a), self.lift(b)
    if not (first.ndim and second.ndim):
        return first * second
    return first @ second if second.ndim <= 2 else _tensordot(self, first, second, (-1, -2))


def _inner(self: RoundingArray, a: object, b: object) -> Any:
    first, second = self.lift(a), self.lift(b)
    return first * second if not (first.ndim and second.ndim) else _tensordot(self, first, second, (-1, -1))


def _outer(self: RoundingArray, a: object, b: object, out: object = None) -> Any:
    if out is not None:
        raise UnknownOperation("np.outer with out=", "x[...] = the result")
    column, row = (self.lift(x).each(lambda part: part.reshape(-1)) for x in (a, b))
    return column[:, None] * row[None, :]


def _vdot(self: RoundingArray, a: object, b: object) -> Any:
    first, second = (self.lift(x).each(np.ravel) for x in (a, b))
    return first @ second


def _tensordot(self: RoundingArray, a: object, b: object, axes: Any = 2) -> Any:
    first, second = self.lift(a), self.lift(b)
    if isinstance(axes, int | np.integer):
        axes = (range(first.ndim - axes, first.ndim), range(axes))
    pair = [[each] if isinstance(each, int | np.integer) else list(each) for each in axes]
    gone = [[int(d) % x.ndim for d in each] for each, x in zip(pair, (first, second), strict=True)]
    kept = [[d for d in range(x.ndim) if d not in out] for x, out in zip((first, second), gone, strict=True)]
    rows, columns = ([x.shape[d] for d in keep] for x, keep in zip((first, second), kept, strict=True))
    n = int(np.prod([first.shape[d] for d in gone[0]], dtype=np.int64))
    left = first.each(lambda part: part.transpose(*kept[0], *gone[0]).reshape(-1, n))
    right = second.each(lambda part: part.transpose(*gone[1], *kept[1]).reshape(n, -1))
    return (left @ right).each(lambda part: part.reshape((*rows, *columns)))


def _einsum(self: RoundingArray, subscripts: object, *operands: object, **options: Any) -> Any:
    if not isinstance(subscripts, str):
        raise UnknownOperation("np.einsum with lists of axes", "letters")
    if len(operands) > 2 or options.keys() - {"optimize"}:
        raise UnknownOperation(f"np.einsum({subscripts!r}) of more than two arrays, or with dtype= or out=",
                               "one np.einsum for each pair, in the order that is meant")  # fmt: skip
    lifted = [self.lift(operand) for operand in operands]
    terms, output = _letters(subscripts, lifted)
    singles = [_of_one(x, term, set(output).union(*(t for t in terms if t is not term)))
               for x, term in zip(lifted, terms, strict=True)]  # fmt: skip
    if len(singles) == 1:
        array, letters = singles[0]
    else:
        array, letters = _of_two(*singles[0], *singles[1], output)
    return array.each(lambda part: part.transpose(*[letters.index(letter) for letter in output]))


def _letters(subscripts: str, operands: Sequence[RoundingArray]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters for "..."."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    free = [letter for letter in string.ascii_letters if letter not in subscripts]
    widths = [x.ndim - len(term.replace("...", "")) for term, x in zip(terms, operands, strict=True)]
    most = free[: max([w for w, term in zip(widths, terms, strict=True) if "..." in term], default=0)]
    shown = [
        term.replace("...", "".join(most[len(most) - w :])) for term, w in zip(terms, widths, strict=True)
    ]
    if arrow:
        return shown, output.replace("...", "".join(most))
    joined = inputs.replace("...", "").replace(",", "")
    return shown, "".join(most) + "".join(sorted(c for c in set(joined) if joined.count(c) == 1))


def _of_one(x: RoundingArray, term: str, wanted: set[str]) -> tuple[RoundingArray, str]:
    """The diagonals of letters that come twice, and the sum over those that nothing else has."""
    once = "".join(dict.fromkeys(term))
    if once != term:
        x = x.each(lambda part: np.einsum(f"{term}->{once}", part))
    summed = tuple(d for d, letter in enumerate(once) if letter not in wanted)
    return (x.total(summed, False) if summed else x), "".join(c for c in once if c in wanted)


def _of_two(
    a: RoundingArray, in_a: str, b: RoundingArray, in_b: str, output: str
) -> tuple[RoundingArray, str]:
    both = [c for c in in_a if c in in_b]
    batch, summed = [c for c in both if c in output], [c for c in both if c not in output]
    rows, columns = [c for c in in_a if c not in both], [c for c in in_b if c not in both]
    left = a.each(lambda part: part.transpose(*[in_a.index(c) for c in (*batch, *rows, *summed)]))
    right = b.each(lambda part: part.transpose(*[in_b.index(c) for c in (*batch, *summed, *columns)]))
    letters = "".join((*batch, *rows, *columns))
    if not summed:  # no sum, and so one rounding
        place = len(batch) + len(rows)
        wide = left.each(lambda part: part.reshape(part.shape + (1,) * len(columns)))
        there = right.each(
            lambda part: part.reshape(part.shape[: len(batch)] + (1,) * len(rows) + part.shape[len(batch) :])
        )
        assert wide.ndim == place + len(columns)
        return wide * there, letters
    sizes = {
        c: max(n, m) for c, n, m in _sizes(left, (*batch, *rows, *summed), right, (*batch, *summed, *columns))
    }
    lead = tuple(sizes[c] for c in batch)
    n = int(np.prod([sizes[c] for c in summed], dtype=np.int64))
    matrix = left.each(lambda part: part.reshape(*lead, -1, n)) @ right.each(
        lambda part: part.reshape(*lead, n, -1)
    )
    return matrix.each(lambda part: part.reshape([sizes[c] for c in letters])), letters


def _sizes(a: RoundingArray, in_a: Sequence[str], b: RoundingArray, in_b: Sequence[str]) -> Any:
    first, second = dict(zip(in_a, a.shape, strict=True)), dict(zip(in_b, b.shape, strict=True))
    return [(c, first.get(c, 1), second.get(c, 1)) for c in dict.fromkeys((*in_a, *in_b))]


CONTRACTIONS: dict[Callable[..., Any], Handler] = {
    np.dot: dot,
    np.inner: _inner,
    np.outer: _outer,
    np.vdot: _vdot,
    np.tensordot: _tensordot,
    np.einsum: _einsum,
    np.trace: lambda self, x, offset=0, axis1=0, axis2=1: (
        self.lift(x).each(lambda part: np.diagonal(part, offset, axis1, axis2)).total(-1, False)
    ),
}
