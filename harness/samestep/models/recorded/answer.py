"""What a reference said to one question, with all that a comparison may want to know of it later.

Spreads are kept and no replicas: sigma goes through a map of parameters as a bound does, so that K replicas
of every element need not lie on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from samestep.agreement.arithmetic.program import Finding, Literal
from samestep.agreement.reference.spread import Spread
from samestep.agreement.reference.spread_cache import digest
from samestep.models.question import Question
from samestep.models.tensors import TensorKey, Tensors
from samestep.models.twice import Twice

Spreads = Mapping[TensorKey, Spread]


@dataclass(frozen=True)
class Owed:
    """What rounding one thing otherwise does: how far it ``moves`` each tensor, 0 for one that is not named.

    ``kind`` is "literal" (moved by one rounding, with the sign of the move), "constant" or "table" (a
    captured array, or a piece of state, of which each element is moved by one rounding: the root mean square
    of 12 draws). ``name`` is the literal's number, the constant's digest, the name of the state.
    """

    kind: str
    name: str
    moves: Tensors


@dataclass(frozen=True)
class Gates:
    """The elements that a gate, flipped by amplified rounding, moves further than rounding does.

    For each tensor ``places`` in the flat array (replicas, *shape), and by how much each is moved; ``seed``
    is that of the first of the ``replicas``.
    """

    seed: int
    replicas: int
    places: Tensors
    moved: Tensors


@dataclass(frozen=True)
class Value:
    """A value on the way that the reference's code, which names no layers, computes at ``place``."""

    number: int
    place: str

    @property
    def layer(self) -> str:
        """The name of the layer that it was recorded as."""
        return f"value {self.number}"


@dataclass(frozen=True)
class Answer:
    """One answer: ``exact`` tensors in float64, and what rounding does to them.

    ``spreads`` are those of the arithmetic that was asked for, and, where that is not all float32's, those of
    float64 in the same operations, simulated at 2^-24. ``owed``: what literals, captured ``constants`` (their
    digests) and tables owe. ``gates`` is None where that was left out. ``spilled``: of the real run the
    tensors that are not finite everywhere. ``twice`` are two real runs, without tensors where these gave the
    same. ``values`` are recorded as layers, which nobody has named. ``is_variant``: the inputs are not those
    that the caller gave.
    """

    exact: Tensors
    terms: Mapping[TensorKey, int]
    spreads: tuple[Spreads, ...]
    literals: tuple[Literal, ...] = ()
    constants: tuple[str, ...] = ()
    owed: tuple[Owed, ...] = ()
    findings: tuple[Finding, ...] = ()
    gates: Gates | None = None
    spilled: Tensors = field(default_factory=dict)
    twice: Twice = field(default_factory=lambda: Twice({}, {}))
    values: tuple[Value, ...] = ()
    is_variant: bool = False

    @property
    def size(self) -> int:
        """The bytes that its arrays take in a file."""
        numbers = (array.nbytes for array in self.exact.values())
        sigma = (spread.sigma.nbytes for spreads in self.spreads for spread in spreads.values())
        owed = (4 * array.size for one in self.owed for array in one.moves.values())
        gates = (array.nbytes for part in self._gates for array in part.values())
        return sum((*numbers, *sigma, *owed, *gates))

    @property
    def _gates(self) -> tuple[Tensors, ...]:
        return () if self.gates is None else (self.gates.places, self.gates.moved)


def question_key(question: Question) -> str:
    """Return the name of a question in a record, by its inputs and what is asked of them.

    Functions of a loss have no name that says what they compute: they are taken to be the recorded one.
    """
    targets = () if question.targets is None else (question.targets,)
    how = (question.keywords, question.seed, question.backward, question.dtype, question.loss is not None)
    return digest(*question.inputs, *targets, repr((*how, question.cotangents)))
