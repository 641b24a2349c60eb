"""State that one side alone has, such as a table of frequencies: the other side computes those numbers.

It is a captured constant that has a name. One side rounded it to its dtype and the other did not, and so it
owes a unit in the last place for each element. Numbers of few bits (ones, positions, masks) owe nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from samestep.agreement.arithmetic.program import Program
from samestep.models.question import Question
from samestep.models.subject import Subject
from samestep.models.tensors import TensorKey

#: Numbers of at most so many significant bits are no results of rounding.
SHORT_BITS = 12

Values = Mapping[str, np.ndarray]


def own_state(subject: Subject, paired: Collection[str]) -> dict[str, np.ndarray]:
    """Return the floating arrays of a side's state that are not ``paired`` and may be rounded otherwise."""
    return {
        name: value
        for name, value in subject.state().items()
        if name not in paired and value.dtype.kind == "f" and value.size > 1 and _rounds(value).any()
    }


def rounded_programs(
    subject: Subject, question: Question, own: Values, seed: int, draws: int
) -> Iterator[Program[TensorKey]]:
    """Yield programs of ``subject`` whose ``own`` state is moved by one number, up or down.

    Raises `Refused`.
    """
    for draw in range(draws if own else 0):
        rng = np.random.default_rng([seed, draw, 0x57A7E])
        yield subject.with_values({}, {name: _moved(x, rng) for name, x in own.items()}).program(question)


def _moved(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The next number of its dtype, up or down, where it may have been rounded: at most 2 u away."""
    to = np.where(rng.integers(0, 2, value.shape) == 1, np.inf, -np.inf).astype(value.dtype)
    return np.where(_rounds(value), np.nextafter(value, to), value)


def _rounds(value: np.ndarray) -> np.ndarray:
    mantissa = np.frexp(value.astype(np.float64))[0] * 2.0**SHORT_BITS
    return np.asarray((mantissa != np.trunc(mantissa)) & np.isfinite(value))
