"""A recorded reference as one side of a comparison: it has answers to the questions that it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.models.on_the_way import ValueOnTheWay
from samestep.models.question import Question, Steps
from samestep.models.recorded.answer import Answer, question_key
from samestep.models.recorded.recorded_program import NotRecorded, RecordedProgram, Shown
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import Role, TensorKey, Tensors
from samestep.models.twice import Twice

Values = Mapping[str, np.ndarray]

#: The key of the answer to optimiser steps, beside those of `question_key`.
STEPS = "steps"
FORCED = "a record answers the questions that it was asked, and cannot go on from the candidate's values"


@dataclass(frozen=True)
class Part:
    """A reference in one ``dtype``: its parameters and state, and its answers by `question_key`.

    An answer is a line of text where the reference could not be asked. ``steps`` are what its optimiser
    stepped from, None where it has none, and ``optimizer`` what that is.
    """

    dtype: str
    parameters: Values
    state: Values
    layers: tuple[Layer, ...]
    answers: Mapping[str, Answer | str]
    steps: Steps | None = None
    optimizer: Layer | None = None


@dataclass(frozen=True)
class RecordedSubject:
    """A `samestep.models.subject.Subject` out of a file; ``parts`` by dtype, of which ``part`` is asked.

    ``description`` says what it is. ``contract`` is the arithmetic that was declared for it. ``named`` are
    values on the way that are shown as layers; ``moved`` names state that is rounded otherwise than it was.
    """

    framework: str
    description: str
    frozen_names: frozenset[str]
    contract: Contract
    parts: Mapping[str, Part]
    part: Part
    named: Mapping[int, Layer] = field(default_factory=dict)
    moved: frozenset[str] = frozenset()

    def describe(self) -> str:
        """Return what it is, and that it was recorded."""
        return self.description

    def parameters(self) -> Values:
        """Return the parameters by name, as they were."""
        return self.part.parameters

    def frozen(self) -> frozenset[str]:
        """Return the parameters without a gradient."""
        return self.frozen_names

    def state(self) -> Values:
        """Return the state by name, as it was."""
        return self.part.state

    def layers(self) -> Sequence[Layer]:
        """Return the layers in the order of their calls."""
        return self.part.layers or tuple(self.named.values())

    def with_values(self, parameters: Values, state: Values) -> RecordedSubject:
        """Return it with some of its state rounded otherwise. Raises `ModelError` for any other values."""
        names = [
            f"{what} {name}"
            for what, new, old in (
                ("parameter", parameters, self.parameters()), ("state", state, self.state())
            )
            for name, value in new.items()
            if not _is_rounded_otherwise(value, old.get(name))
        ]  # fmt: skip
        if names:
            raise ModelError(f"a record holds its answers for its own values, not for another {names[0]}")
        if parameters:
            raise NotRecorded(f"the record does not hold what the rounding of {next(iter(parameters))} moves")
        return replace(self, moved=self.moved | state.keys())

    def cast(self, dtype: str) -> RecordedSubject:
        """Return it as it was recorded in ``dtype``. Raises `ModelError` where it was not."""
        if dtype not in self.parts:
            raise ModelError(f"the record holds {', '.join(self.parts)}: record it with dtypes=({dtype!r},)")
        return replace(self, part=self.parts[dtype])

    def run(self, question: Question) -> Tensors:
        """Return the exact tensors, with what the real run was not finite in. Raises `ModelError`."""
        try:
            answer = self._answer(question)
        except Refused as refused:
            raise ModelError(str(refused)) from refused
        return {**answer.exact, **answer.spilled}

    def run_twice(self, question: Question) -> Twice:
        """Return the two real runs, without tensors where they gave the same. Raises `ModelError`."""
        try:
            return self._answer(question).twice
        except Refused as refused:
            raise ModelError(str(refused)) from refused

    def program(self, question: Question, contract: Contract | None = None) -> RecordedProgram:
        """Return the recorded answer. Raises `Refused` for a question that was not asked."""
        if contract is not None and contract not in (Contract.FLOAT32, self.contract):
            raise Refused(f"the record does not hold the arithmetic of {contract.value}")
        answer = self._answer(question)
        return RecordedProgram(answer, self._shown(answer), self.moved)

    def values_on_the_way(self, question: Question) -> list[ValueOnTheWay]:
        """Return the recorded values of code that names no layers. Raises `ModelError` without any."""
        try:
            answer = self._answer(question)
        except Refused as refused:
            raise ModelError(str(refused)) from refused
        if not answer.values:
            raise ModelError("the record holds no values on the way")
        return [
            ValueOnTheWay(value.number, value.place, answer.exact[TensorKey(Role.LAYER, value.layer)])
            for value in answer.values
        ]

    def with_layers(self, layers: Mapping[int, Layer]) -> RecordedSubject:
        """Return it with the values of these numbers as the outputs of ``layers``."""
        return replace(self, named=dict(layers))

    def run_steps(self, optimizer: object, steps: Steps) -> Tensors:
        """Raise `ModelError`: the steps lie in the record."""
        raise ModelError("a record cannot make optimiser steps of its own")

    def steps_program(self, optimizer: object, steps: Steps) -> Program[TensorKey]:
        """Return the steps that were recorded, from what they were made of. Raises `Refused`."""
        answer = self.part.answers.get(STEPS)
        if not isinstance(answer, Answer):
            raise Refused(answer or "no optimiser was recorded")
        return RecordedProgram(answer, lambda key: key)

    def optimizer_settings(self, optimizer: object) -> Layer | None:
        """Return what the recorded optimiser is, where that was known."""
        return self.part.optimizer

    def _answer(self, question: Question) -> Answer:
        if question.forced or question.inputs_of:
            raise Refused(FORCED)
        answer = self.part.answers.get(question_key(question), "the record does not hold these inputs")
        if isinstance(answer, str):
            raise Refused(answer)
        return answer

    def _shown(self, answer: Answer) -> Shown:
        """Names the tensors of an answer: a recorded value has the name of the layer which it became."""
        values = {value.layer: self.named.get(value.number) for value in answer.values}

        def shown(key: TensorKey) -> TensorKey | None:
            if key.role not in (Role.LAYER, Role.LAYER_GRADIENT) or key.name not in values:
                return key
            layer = values[key.name]
            return None if layer is None else TensorKey(key.role, layer.name)

        return shown


def _is_rounded_otherwise(value: np.ndarray, own: np.ndarray | None) -> bool:
    """Whether a value is a reference's own but for its rounding: at most 2 u away, 2 numbers of its dtype."""
    if own is None or np.shape(value) != own.shape:
        return False
    if own.dtype.kind != "f":
        return np.array_equal(value, own)
    with np.errstate(all="ignore"):
        off = np.abs(value.astype(np.float64) - own.astype(np.float64))
        return bool(np.all((off <= 2 * np.spacing(np.abs(own))) | (value == own) | np.isnan(own)))
