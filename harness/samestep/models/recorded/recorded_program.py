"""A recorded answer as a program: what an engine would compute is looked up, or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.program import Finding, Level, Literal, Nudge, Refused
from samestep.models.recorded.answer import Answer, Owed, Spreads
from samestep.models.tensors import TensorKey, Tensors


class NotRecorded(Refused):
    """An engine could say this of the reference, and the record was not given it."""


#: The name of a tensor, of those that are shown; None for one that is not.
Shown = Callable[[TensorKey], TensorKey | None]


@dataclass(frozen=True)
class RecordedProgram:
    """A `samestep.agreement.arithmetic.program.Program` that answers from a record.

    ``shown`` names the tensors: values on the way are recorded as layers, and shown where they have become
    some. ``moved`` are names of the state that is rounded otherwise in this program.
    """

    answer: Answer
    shown: Shown
    moved: frozenset[str] = frozenset()

    def exact(self, nudge: Nudge | None = None) -> Tensors:
        """Return all tensors as recorded, moved by what is rounded otherwise. Raises `NotRecorded`."""
        exact = self._named(self.answer.exact)
        owed = [self._owed("table", name) for name in self.moved]
        if nudge is not None and nudge.constants is not None:
            owed += [self._owed("constant", one) for one in self.answer.constants if one not in nudge.shared]
        if nudge is not None and nudge.literal is not None:
            owed.append(self._owed("literal", str(self.answer.literals.index(nudge.literal))))
        return _moved(exact, [self._named(one.moves) for one in owed]) if owed else exact

    def replica(self, seed: int, level: Level = Level.OWN) -> Tensors:
        """Return the exact tensors with the elements that amplified noise of this seed moved through a gate.

        Raises `NotRecorded` for any other noise: of that spreads are recorded.
        """
        gates = self.answer.gates
        number = -1 if gates is None else seed - gates.seed
        if gates is None or level is not Level.AMPLIFIED or not 0 <= number < gates.replicas:
            raise NotRecorded("the record does not hold which elements hang on a gate that rounding flips")
        tensors = dict(self._named(self.answer.exact))
        moved = self._named(gates.moved)
        for key, places in self._named(gates.places).items():
            size = tensors[key].size
            mine = places // size == number
            flat = tensors[key].astype(np.float64).reshape(-1)
            flat[places[mine] % size] += moved[key][mine]
            tensors[key] = flat.reshape(tensors[key].shape)
        return tensors

    @property
    def spreads(self) -> tuple[Spreads, Spreads]:
        """What the arithmetic that was asked for does, and what float64 does, simulated; the same ones where
        all is float32's."""
        own, *double = (self._named(spreads) for spreads in self.answer.spreads)
        return own, double[0] if double else own

    @property
    def literals(self) -> Sequence[Literal]:
        """The distinct literals that are not held exactly."""
        return self.answer.literals

    @property
    def constants(self) -> Mapping[str, np.ndarray]:
        """The digests of captured arrays; the arrays themselves are not recorded."""
        return dict.fromkeys(self.answer.constants, np.empty(0))

    @property
    def findings(self) -> Sequence[Finding]:
        """What was seen when it was recorded."""
        return self.answer.findings

    @property
    def terms(self) -> Mapping[TensorKey, int]:
        """The length of the longest sum on the way to each tensor."""
        return self._named(self.answer.terms)

    @property
    def uniform(self) -> bool:
        """Whether all rounding is float32's."""
        return len(self.answer.spreads) == 1

    @property
    def signature(self) -> str:
        """Nothing: spreads that lie in a file are not kept once more."""
        return ""

    def _named(self, tensors: Mapping[TensorKey, object]) -> dict:  # type: ignore[type-arg]
        names = ((self.shown(key), value) for key, value in tensors.items())
        return {name: value for name, value in names if name is not None}

    def _owed(self, kind: str, name: str) -> Owed:
        found = next((one for one in self.answer.owed if (one.kind, one.name) == (kind, name)), None)
        if found is None:
            what = {"literal": "a literal", "constant": "a captured array", "table": f"state {name}"}[kind]
            raise NotRecorded(f"the record does not hold what the rounding of {what} moves")
        return found


def _moved(exact: Tensors, moves: Sequence[Tensors]) -> dict[TensorKey, np.ndarray]:
    """The tensors moved by all of these at once: independent roundings add up by their squares."""
    if len(moves) == 1:
        return {key: x + moves[0][key] if key in moves[0] else x for key, x in exact.items()}
    result = dict(exact)
    for key, x in exact.items():
        mine = [np.square(one[key].astype(np.float64)) for one in moves if key in one]
        if mine:
            result[key] = x + np.sqrt(sum(mine))
    return result
