"""A record: one reference with its inputs and answers, written to one sealed file and read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from samestep.agreement.arithmetic.program import Contract
from samestep.errors import SamestepError
from samestep.models.question import Loss, Question, Steps
from samestep.models.recorded.answer import Answer
from samestep.models.recorded.answer_document import AnswerLine, Arrays, answer_of, arrays_of, line_of
from samestep.models.recorded.made_with import Made
from samestep.models.recorded.recorded_subject import Part, RecordedSubject
from samestep.models.subject import Layer
from samestep.records import sealed_arrays
from samestep.records.sealed_documents import is_one, read_one

#: What the document of a record says of itself, and the version of this form of it.
KIND, FORMAT = "samestep record", 1


@dataclass(frozen=True)
class LayerLine:
    """A `samestep.models.subject.Layer` whose settings are plain values."""

    name: str
    kind: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class PartLine:
    """A `Part`: answers are lines of text where the reference could not be asked, ``steps`` their number."""

    dtype: str
    parameters: tuple[str, ...]
    state: tuple[str, ...]
    layers: tuple[LayerLine, ...]
    answers: Mapping[str, AnswerLine | str]
    steps: int = 0
    optimizer: LayerLine | None = None


@dataclass(frozen=True)
class About:
    """What a record says of its reference.

    ``framework`` and ``description`` are its own; ``frozen`` names its parameters without a gradient.
    ``contract`` is the arithmetic that was declared, ``seed`` and ``replicas`` those of the spreads. ``loss``
    is the name of one, ``own_loss`` says that it is a function's. ``left_out`` tells what the file lacks.
    """

    made: Made
    framework: str
    description: str
    frozen: tuple[str, ...]
    contract: str
    seed: int
    replicas: int
    keywords: tuple[str, ...] = ()
    loss: str | None = None
    own_loss: bool = False
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """All of a record that is no array."""

    about: About
    inputs: int
    parts: tuple[PartLine, ...]
    kind: str = KIND
    format: int = FORMAT


@dataclass(frozen=True, eq=False)
class Record:
    """A recorded reference: ``parts`` by dtype, in the order in which they are asked; targets may be None."""

    about: About
    inputs: tuple[np.ndarray, ...]
    targets: np.ndarray | None
    parts: tuple[Part, ...]

    @property
    def subject(self) -> RecordedSubject:
        """The side that answers from this record."""
        about, parts = self.about, {part.dtype: part for part in self.parts}
        return RecordedSubject(
            about.framework, f"{about.description}, recorded", frozenset(about.frozen),
            Contract(about.contract), parts, self.parts[0],
        )  # fmt: skip

    def question(self, loss: Loss | None) -> Question:
        """Return the question that the reference was asked, with a ``loss`` in another side's words."""
        return Question(self.inputs, self.about.keywords, loss, self.targets, self.about.seed)

    def write(self, path: str | Path) -> None:
        """Write it as one file. Raises `SamestepError` where that cannot be."""
        arrays: dict[str, np.ndarray] = {f"input {n}": array for n, array in enumerate(self.inputs)}
        if self.targets is not None:
            arrays["targets"] = self.targets
        for part in self.parts:
            arrays |= _part_arrays(part)
        lines = tuple(_part_line(part) for part in self.parts)
        sealed_arrays.write(path, Document(self.about, len(self.inputs), lines), arrays)


def is_record(document: Mapping[str, object]) -> bool:
    """Return whether the document of a sealed file is a record's."""
    return is_one(document, Document)


def read_record(path: str | Path) -> Record:
    """Return the record in a file. Raises `SamestepError`, in one line, for a file that holds none."""
    advice = "use the samestep that wrote it, or record it anew"
    read, arrays = read_one(path, Document, "record of a reference", advice)
    try:
        inputs = tuple(arrays[f"input {n}"] for n in range(read.inputs))
        Contract(read.about.contract)
        parts = tuple(_part(line, arrays) for line in read.parts)
        if not parts:
            raise ValueError("it has no answers")
    except (KeyError, ValueError, IndexError) as wrong:
        raise SamestepError(f"{path} is no record of a reference: it lacks {wrong}") from wrong
    return Record(read.about, inputs, arrays.get("targets"), parts)


def _part_arrays(part: Part) -> dict[str, np.ndarray]:
    arrays = {f"{part.dtype}/parameter {name}": x for name, x in part.parameters.items()}
    arrays |= {f"{part.dtype}/state {name}": x for name, x in part.state.items()}
    for key, answer in part.answers.items():
        if isinstance(answer, Answer):
            arrays |= arrays_of(answer, f"{part.dtype}/{key}")
    for what, steps in (
        (("from", part.steps.params), ("gradient", part.steps.gradients)) if part.steps else ()
    ):
        for step, values in enumerate(steps):
            arrays |= {f"{part.dtype}/{what} {step}:{name}": x for name, x in values.items()}
    return arrays


def _part_line(part: Part) -> PartLine:
    return PartLine(
        part.dtype,
        tuple(part.parameters),
        tuple(part.state),
        tuple(_layer_line(layer) for layer in part.layers),
        {key: line_of(one) if isinstance(one, Answer) else one for key, one in part.answers.items()},
        len(part.steps.params) if part.steps else 0,
        _layer_line(part.optimizer) if part.optimizer else None,
    )


def _part(line: PartLine, arrays: Arrays) -> Part:
    at = line.dtype

    def by_name(prefix: str) -> dict[str, np.ndarray]:
        return {n.removeprefix(prefix): x for n, x in arrays.items() if n.startswith(prefix)}

    steps = None
    if line.steps:
        made = ([by_name(f"{at}/{what} {t}:") for t in range(line.steps)] for what in ("from", "gradient"))
        steps = Steps(*map(tuple, made))
    return Part(
        at,
        {name: arrays[f"{at}/parameter {name}"] for name in line.parameters},
        {name: arrays[f"{at}/state {name}"] for name in line.state},
        tuple(_layer(one) for one in line.layers),
        {
            key: answer_of(one, arrays, f"{at}/{key}") if isinstance(one, AnswerLine) else one
            for key, one in line.answers.items()
        },
        steps,
        _layer(line.optimizer) if line.optimizer else None,
    )


def _layer_line(layer: Layer) -> LayerLine:
    return LayerLine(layer.name, layer.kind, {k: v for k, v in layer.settings.items() if _is_plain(v)})


def _layer(line: LayerLine) -> Layer:
    return Layer(line.name, line.kind, {name: _tupled(value) for name, value in line.settings.items()})


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _tupled(value: object) -> object:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
