"""Arrays that one side alone has, such as a table of frequencies, or a weight that a factor is folded into.

They are captured constants that have names. One side rounded them to its dtype and the other did not, and so
they owe a unit in the last place for each element. Numbers of few bits (ones, positions, masks) owe nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from samestep.agreement.arithmetic.program import Program, constant_digest
from samestep.models.pairing.linear_map import LinearMap
from samestep.models.question import Question
from samestep.models.subject import Subject
from samestep.models.tensors import TensorKey

#: Numbers of at most N significant bits are no results of rounding.
SHORT_BITS = 12

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class OwnValues:
    """The floating ``parameters`` and ``state`` of a side that the other side may have rounded otherwise."""

    parameters: Values = field(default_factory=dict)
    state: Values = field(default_factory=dict)

    def without(self, shared: Collection[str]) -> OwnValues:
        """Return these values without arrays of numbers that the other side has: their digests."""
        kept = (
            {name: x for name, x in values.items() if constant_digest(x) not in shared}
            for values in (self.parameters, self.state)
        )
        return OwnValues(*kept)


def own_of_candidate(
    candidate: Subject, reference: Subject, parameters: LinearMap, state: LinearMap
) -> OwnValues:
    """Return the candidate's own values: without a counterpart, or computed of it and rounded once."""
    mine, theirs = candidate.parameters(), reference.parameters()
    alone = {name: x for name, x in mine.items() if name not in parameters.links}
    computed = {
        name: mine[name]
        for name, made in parameters.apply(_wide(theirs)).items()
        if parameters.links[name].is_computed and _is_next_to(mine[name], made)
    }
    kept, held = candidate.state(), reference.state()
    tables = {name: x for name, x in kept.items() if name not in state.links}
    tables |= {name: kept[name] for name in rounded_otherwise(kept, held, state)}
    return OwnValues(_rounded(alone | computed), _rounded(tables))


def rounded_otherwise(candidate: Values, reference: Values, state: LinearMap) -> list[str]:
    """Return the names of the candidate's state that is the reference's but for its rounding."""
    return [name for name, made in state.apply(reference).items() if _is_next_to(candidate[name], made)]


def own_of_reference(reference: Subject, parameters: LinearMap, state: LinearMap) -> OwnValues:
    """Return the reference's own values: those of which nothing of the candidate is made."""
    return OwnValues(
        _rounded(
            {name: x for name, x in reference.parameters().items() if name in parameters.reference_only}
        ),
        _rounded({name: x for name, x in reference.state().items() if name in state.reference_only}),
    )


def rounded_programs(
    subject: Subject, question: Question, own: OwnValues, seed: int, draws: int
) -> Iterator[Program[TensorKey]]:
    """Yield programs of ``subject`` whose ``own`` values are moved by one number, up or down.

    Raises `Refused`.
    """
    for draw in range(draws if own.parameters or own.state else 0):
        rng = np.random.default_rng([seed, draw, 0x57A7E])
        moved = (
            {name: _moved(x, rng) for name, x in values.items()} for values in (own.parameters, own.state)
        )
        yield subject.with_values(*moved).program(question)


def _moved(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The next number of its dtype, up or down, where it may have been rounded: at most 2 u away."""
    to = np.where(rng.integers(0, 2, value.shape) == 1, np.inf, -np.inf).astype(value.dtype)
    return np.where(_rounds(value), np.nextafter(value, to), value)


def _wide(values: Values) -> Values:
    return {name: x.astype(np.float64) if x.dtype.kind == "f" else x for name, x in values.items()}


def _rounded(values: Values) -> dict[str, np.ndarray]:
    return {name: x for name, x in values.items() if x.dtype.kind == "f" and _rounds(x).any()}


def _rounds(value: np.ndarray) -> np.ndarray:
    mantissa = np.frexp(value.astype(np.float64))[0] * 2.0**SHORT_BITS
    return np.asarray((mantissa != np.trunc(mantissa)) & np.isfinite(value))


def _is_next_to(value: np.ndarray, made: np.ndarray) -> bool:
    """Whether ``value`` is ``made`` (of its shape, in any dtype) but for two numbers of its dtype at most.

    A factor is rounded (0.3 in float32), and so is the product.
    """
    if value.dtype.kind != "f" or value.shape != np.shape(made):
        return False
    off = np.abs(value.astype(np.float64) - made)
    return bool(off.any() and np.all(off <= 2 * np.spacing(np.abs(value))))
