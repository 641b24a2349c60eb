"""All answers of a reference: in each dtype, on the inputs as given and on variants, and of its optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.models.as_held import is_wide
from samestep.models.dtypes import AS_GIVEN
from samestep.models.expected import ReferencePrograms
from samestep.models.forced_steps import run_candidate_steps
from samestep.models.options import FEW_REPLICAS
from samestep.models.question import Question, Steps
from samestep.models.recorded.answer import Answer, question_key
from samestep.models.recorded.recorded_subject import STEPS, Part
from samestep.models.recording import Recording
from samestep.models.runs import naming
from samestep.models.subject import ModelError, Subject
from samestep.models.variants import variants


@dataclass(frozen=True)
class Wanted:
    """What is recorded: in which ``dtypes``, N ``steps`` of an ``optimizer``, on input ``variants``."""

    dtypes: tuple[str, ...]
    optimizer: object = None
    steps: int = 3
    variants: bool = True


def recorded_parts(
    subject: Subject, question: Question, recording: Recording, wanted: Wanted
) -> tuple[Part, ...]:
    """Return the answers in each dtype. Raises `ModelError` and `Refused` on the inputs as given."""
    parts = []
    for dtype in wanted.dtypes:
        if dtype == AS_GIVEN:
            parts.append(_part(subject, question, recording, wanted))
            continue
        with naming("reference"):
            cast = subject.cast(dtype)
        parts.append(_part(cast, question.in_dtype(dtype), recording, replace(wanted, optimizer=None)))
    return tuple(parts)


def _part(subject: Subject, question: Question, recording: Recording, wanted: Wanted) -> Part:
    given = recording.answer(subject, question)
    answers: dict[str, Answer | str] = {question_key(question): given}
    few = replace(recording, replicas=min(recording.replicas, FEW_REPLICAS))
    for label, other in variants(question) if wanted.variants else ():
        try:
            answer: Answer | str = few.on_variant(subject, other, given)
        except (ModelError, Refused) as error:
            answer = f"the reference gave no answer on {label}: {error}"
        answers[question_key(other)] = answer
    part = Part(
        question.dtype or AS_GIVEN, _copied(subject.parameters()), _copied(subject.state()),
        tuple(subject.layers()), answers,
    )  # fmt: skip
    return part if wanted.optimizer is None else _with_steps(part, subject, question, recording, wanted)


def _with_steps(
    part: Part, subject: Subject, question: Question, recording: Recording, wanted: Wanted
) -> Part:
    """The part with steps of the reference's own training, each from what it really stepped from."""
    held = np.dtype(np.float64 if is_wide(subject.parameters()) else np.float32)
    with naming("optimizer, the reference's"):
        made = run_candidate_steps(subject, wanted.optimizer, question, wanted.steps, held).steps
        steps = Steps(*(tuple(map(_doubled, values)) for values in (made.params, made.gradients)))
        program = subject.steps_program(wanted.optimizer, steps)
    answer = recording.of_programs(ReferencePrograms(program, program, program.exact()), {})
    return replace(
        part, answers={**part.answers, STEPS: answer}, steps=made,
        optimizer=subject.optimizer_settings(wanted.optimizer),
    )  # fmt: skip


def _copied(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.array(x) for name, x in values.items()}


def _doubled(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: x.astype(np.float64) if x.dtype.kind == "f" else x for name, x in values.items()}
