"""The document of an answer: all of it that is no array, and its arrays by the numbers of their tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.program import Finding, Literal
from samestep.agreement.reference.spread import Spread
from samestep.models.recorded.answer import Answer, Gates, Owed, Value
from samestep.models.tensors import Role, TensorKey, Tensors
from samestep.models.twice import Twice

#: Arrays by the names that they have in the file.
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class SpreadLine:
    """A spread without its sigma."""

    replicas: int
    norm_varies: float
    scale_varies: float
    precision: str


@dataclass(frozen=True)
class TensorLine:
    """A tensor by its role and name, and its ``spreads``, none where it is not floating."""

    role: str
    name: str
    terms: int
    spreads: tuple[SpreadLine, ...]


@dataclass(frozen=True)
class OwedLine:
    """What owes, and the numbers of the tensors that it moves."""

    kind: str
    name: str
    tensors: tuple[int, ...]


@dataclass(frozen=True)
class GatesLine:
    """How gates were flipped, and the numbers of the tensors that they move."""

    seed: int
    replicas: int
    tensors: tuple[int, ...]


@dataclass(frozen=True)
class AnswerLine:
    """A `samestep.models.recorded.answer.Answer`. ``again``: the tensors of two calls that differ."""

    tensors: tuple[TensorLine, ...]
    literals: tuple[Literal, ...] = ()
    constants: tuple[str, ...] = ()
    owed: tuple[OwedLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    gates: GatesLine | None = None
    spilled: tuple[int, ...] = ()
    again: tuple[int, ...] = ()
    changed: tuple[str, ...] = ()
    error: str | None = None
    values: tuple[Value, ...] = ()
    is_variant: bool = False


def line_of(answer: Answer) -> AnswerLine:
    """Return the line of an answer, without its arrays."""
    number = {key: n for n, key in enumerate(answer.exact)}
    gates = answer.gates
    return AnswerLine(
        tuple(
            TensorLine(key.role.name, key.name, answer.terms.get(key, 1), tuple(_spread_lines(answer, key)))
            for key in number
        ),
        answer.literals,
        answer.constants,
        tuple(OwedLine(o.kind, o.name, tuple(number[key] for key in o.moves)) for o in answer.owed),
        answer.findings,
        GatesLine(gates.seed, gates.replicas, tuple(number[key] for key in gates.places)) if gates else None,
        tuple(number[key] for key in answer.spilled),
        tuple(number[key] for key in answer.twice.first),
        answer.twice.changed,
        answer.twice.error,
        answer.values,
        answer.is_variant,
    )


def _spread_lines(answer: Answer, key: TensorKey) -> Iterator[SpreadLine]:
    for spreads in answer.spreads:
        if key in spreads:
            one = spreads[key]
            yield SpreadLine(one.replicas, one.norm_varies, one.scale_varies, one.precision)


def arrays_of(answer: Answer, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of an answer under the names that `answer_of` looks for."""
    groups: dict[str, Tensors] = {"exact": answer.exact, "spilled": answer.spilled}
    groups |= {"first": answer.twice.first, "second": answer.twice.second}
    for at, spreads in enumerate(answer.spreads):
        groups[f"sigma{at}"] = {key: spread.sigma for key, spread in spreads.items()}
    groups |= {f"owed{at}": one.moves for at, one in enumerate(answer.owed)}
    if answer.gates is not None:
        groups |= {"gates": answer.gates.places, "moved": answer.gates.moved}
    number = {key: n for n, key in enumerate(answer.exact)}
    for name, tensors in groups.items():
        yield from (
            (f"{prefix}/{name} {number[key]}", array) for key, array in tensors.items() if key in number
        )


def answer_of(line: AnswerLine, arrays: Arrays, prefix: str) -> Answer:
    """Return the answer of a line and its arrays.

    Raises KeyError and ValueError where an array is missing, or of another shape than its tensor.
    """
    keys = [TensorKey(Role[one.role], one.name) for one in line.tensors]

    def group(name: str, numbers: tuple[int, ...], of_shape: bool = True) -> dict[TensorKey, np.ndarray]:
        found = {keys[n]: arrays[f"{prefix}/{name} {n}"] for n in numbers}
        for n in numbers if of_shape else ():
            if found[keys[n]].shape != arrays[f"{prefix}/exact {n}"].shape:
                raise ValueError(f"{name} of {keys[n]} has another shape than its tensor")
        return found

    everything = tuple(range(len(keys)))
    spreads = []
    for at in range(max((len(one.spreads) for one in line.tensors), default=1)):
        floating = tuple(n for n in everything if len(line.tensors[n].spreads) > at)
        sigma = group(f"sigma{at}", floating)
        spreads.append({keys[n]: _spread(line.tensors[n], at, sigma[keys[n]]) for n in floating})
    gates = None
    if line.gates is not None:
        places, moved = (group(name, line.gates.tensors, of_shape=False) for name in ("gates", "moved"))
        gates = Gates(line.gates.seed, line.gates.replicas, places, moved)
    owed = (Owed(o.kind, o.name, group(f"owed{at}", o.tensors)) for at, o in enumerate(line.owed))
    return Answer(
        group("exact", everything),
        {keys[n]: one.terms for n, one in enumerate(line.tensors)},
        tuple(spreads) or ({},),
        line.literals, line.constants, tuple(owed), line.findings, gates, group("spilled", line.spilled),
        Twice(group("first", line.again), group("second", line.again), line.changed, line.error),
        line.values, line.is_variant,
    )  # fmt: skip


def _spread(line: TensorLine, at: int, sigma: np.ndarray) -> Spread:
    one = line.spreads[at]
    return Spread(sigma, line.terms, one.replicas, one.norm_varies, one.scale_varies, one.precision)
