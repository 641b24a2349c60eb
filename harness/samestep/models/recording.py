"""A reference asked all that a candidate may be compared with later, where its framework is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.program import (
    AMPLIFICATION,
    Contract,
    Level,
    Nudge,
    Program,
    constant_digest,
)
from samestep.agreement.reference.spread import Spread
from samestep.models.expected import Progress, ReferencePrograms, measure_spreads
from samestep.models.function_check import CANDIDATE_REPLICAS, OWING
from samestep.models.gates import REPLICAS
from samestep.models.on_the_way import Followed, by_place
from samestep.models.own_values import OwnValues, rounded_programs
from samestep.models.pairing.value_table import is_constant
from samestep.models.question import Question
from samestep.models.recorded.answer import Answer, Gates, Owed, Value
from samestep.models.runs import naming, open_programs
from samestep.models.subject import Layer, Subject, innermost
from samestep.models.tensors import Role, TensorKey, Tensors
from samestep.models.twice import Twice

#: Captured arrays, and pieces of state, of which it is recorded what their rounding moves: code that has more
#: of them has captured its weights, which the other side holds as they are.
MOST_OWING = 4
#: Gates are flipped where an element moves this share of what amplified rounding may do: the candidate's
#: sigma may be that of a sum, a part or a multiple.
SURELY = 1 / 2


@dataclass(frozen=True)
class Recording:
    """How answers are made: N ``replicas`` of noise from ``seed`` on, in the arithmetic of a ``contract``."""

    replicas: int
    seed: int
    contract: Contract
    progress: Progress

    def answer(self, subject: Subject, question: Question) -> Answer:
        """Return what a subject says to a question. Raises `ModelError` and `Refused`."""
        with naming("reference", question):
            twice = subject.run_twice(question)
        programs = open_programs(subject, question, self.contract)
        values: tuple[Value, ...] = ()
        if isinstance(subject, Followed) and not any(key.role is Role.LAYER for key in programs.own):
            values = _values_of(subject, question)
        return self._told(subject, question, twice, values)

    def on_variant(self, subject: Subject, question: Question, given: Answer) -> Answer:
        """Return what it says to other inputs than the ``given`` ones. Raises `ModelError` and `Refused`."""
        with naming("reference", question):
            twice = Twice.of_one(subject.run(question))
        return replace(self._told(subject, question, twice, given.values), is_variant=True)

    def _told(self, subject: Subject, question: Question, twice: Twice, values: tuple[Value, ...]) -> Answer:
        if values:
            assert isinstance(subject, Followed)
            subject = subject.with_layers({one.number: Layer(one.layer, "value", {}) for one in values})
        programs = open_programs(subject, question, self.contract)
        answer = self.of_programs(programs, {})
        real = {key: x for key, x in twice.first.items() if key in answer.exact}
        spilled = {key: x for key, x in real.items() if x.dtype.kind == "f" and not np.isfinite(x).all()}
        return replace(
            answer,
            owed=(*answer.owed, *self._tables(subject, question, answer.exact)),
            constants=tuple(programs.plain.constants),
            gates=self._gates(programs, answer),
            spilled=spilled,
            twice=twice.without_alike(),
            values=values,
        )

    def of_programs(self, programs: ReferencePrograms, before: Mapping[TensorKey, np.ndarray]) -> Answer:
        """Return the exact tensors, spreads, and what literals and constants owe. Raises `Refused`."""
        plain, exact = programs.plain, dict(programs.own)
        own, double = measure_spreads(programs, dict, exact, before, self.replicas, self.seed, self.progress)
        return Answer(
            exact,
            {key: plain.terms.get(key, 1) for key in programs.own},
            (own,) if programs.uniform else (own, double),
            tuple(plain.literals),
            tuple(plain.constants),
            tuple(self._owed(plain, programs.own)),
            tuple(dict.fromkeys(plain.findings)),
        )

    def _owed(self, program: Program[TensorKey], exact: Tensors) -> Iterator[Owed]:
        for number, literal in enumerate(program.literals):
            if literal.roundoff > OWING:
                ways = [_moves(program.exact(Nudge(literal, sign=sign)), exact) for sign in (1, -1)]
                yield Owed("literal", str(number), _larger(*ways))
        constants = tuple(program.constants)
        for one in constants if len(constants) <= MOST_OWING else ():
            others = frozenset(constants) - {one}
            draws = (
                program.exact(Nudge(constants=self.seed + draw, shared=others))
                for draw in range(CANDIDATE_REPLICAS)
            )
            yield Owed("constant", one, _root_mean_square(draws, exact))

    def _tables(self, subject: Subject, question: Question, exact: Tensors) -> Iterator[Owed]:
        """What the rounding of state owes that no run changes and that belongs to no normalization."""
        tables = _tables_of(subject, exact)
        for name in tables if len(tables) <= MOST_OWING else ():
            own = OwnValues(state={name: tables[name]})
            programs = rounded_programs(subject, question, own, self.seed, CANDIDATE_REPLICAS)
            yield Owed("table", name, _root_mean_square((one.exact() for one in programs), exact))

    def _gates(self, programs: ReferencePrograms, answer: Answer) -> Gates:
        """The elements that amplified rounding moves further than it may without a gate."""
        places: dict[TensorKey, list[np.ndarray]] = {}
        moved: dict[TensorKey, list[np.ndarray]] = {}
        for replica in range(REPLICAS):
            noisy = programs.declared.replica(self.seed + replica, Level.AMPLIFIED)
            for key, spread in answer.spreads[0].items():
                with np.errstate(all="ignore"):
                    move = (noisy[key] - answer.exact[key]).reshape(-1)
                    at = np.flatnonzero(np.abs(move) > SURELY * _reach(spread).reshape(-1))
                if at.size:
                    places.setdefault(key, []).append(at + replica * move.size)
                    moved.setdefault(key, []).append(move[at].astype(np.float32))
        joined = ({key: np.concatenate(parts) for key, parts in group.items()} for group in (places, moved))
        return Gates(self.seed, REPLICAS, *joined)


def _values_of(subject: Followed, question: Question) -> tuple[Value, ...]:
    """The values on the way of code that names no layers, without constants and what an earlier one is."""
    seen = {constant_digest(x) for x in question.inputs if x.dtype.kind == "f"}
    values = []
    for place, found in by_place(subject.values_on_the_way(question)).items():
        digest = constant_digest(found.array)
        if found.array.size and not is_constant(found.array) and digest not in seen:
            values.append(Value(found.number, place))
        seen.add(digest)
    return tuple(values)


def _tables_of(subject: Subject, exact: Tensors) -> dict[str, np.ndarray]:
    norms = [layer.name for layer in subject.layers() if "norm" in layer.kind.lower()]
    return {
        name: x
        for name, x in subject.state().items()
        if x.dtype.kind == "f"
        and innermost(norms, name) is None
        and np.array_equal(exact.get(TensorKey(Role.STATE, name), x), x)
    }


def _reach(spread: Spread) -> np.ndarray:
    return np.asarray(spread.limit * AMPLIFICATION * spread.sigma.astype(np.float64))


def _moves(moved: Tensors, exact: Tensors) -> dict[TensorKey, np.ndarray]:
    """How far each floating tensor is moved, 0 where it is not finite; those that are moved at all."""
    with np.errstate(all="ignore"):
        ways = {key: moved[key] - x for key, x in exact.items() if x.dtype.kind == "f"}
        ways = {key: np.where(np.isfinite(way), way, 0.0) for key, way in ways.items()}
    return {key: way for key, way in ways.items() if way.any()}


def _larger(plus: Tensors, minus: Tensors) -> dict[TensorKey, np.ndarray]:
    """The larger move of two ways, with the sign of the first one."""
    result = {}
    for key in {**plus, **minus}:
        one, other = plus.get(key), minus.get(key)
        one, other = (np.zeros_like(other), other) if one is None else (one, other)
        other = np.zeros_like(one) if other is None else other
        result[key] = _single(np.where(np.abs(one) >= np.abs(other), one, -other))
    return result


def _root_mean_square(draws: Iterator[Tensors], exact: Tensors) -> dict[TensorKey, np.ndarray]:
    squares: dict[TensorKey, np.ndarray] = {}
    for draw in draws:
        for key, move in _moves(draw, exact).items():
            squares[key] = squares.get(key, 0.0) + np.square(move) / CANDIDATE_REPLICAS
    return {key: _single(np.sqrt(square)) for key, square in squares.items()}


def _single(array: np.ndarray) -> np.ndarray:
    """In float32, away from 0: what owes is not to be lost to the rounding of the file."""
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    limit = np.finfo(np.float32).max
    return np.clip(np.nextafter(narrow, np.copysign(np.float32(np.inf), narrow)), -limit, limit)
