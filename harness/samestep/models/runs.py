"""The runs of both sides that a comparison is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.models.as_held import is_wide
from samestep.models.engine_errors import refusing
from samestep.models.expected import ReferencePrograms
from samestep.models.question import Question
from samestep.models.subject import ModelError, Subject
from samestep.models.tensors import TensorKey, Tensors
from samestep.models.twice import Twice


@dataclass(frozen=True)
class CandidateRun:
    """The candidate as it really ran, ``twice``, and its program.

    ``exact`` is the program's exact run; both are None, with the ``reason``, without an engine.
    """

    twice: Twice
    program: Program[TensorKey] | None
    exact: Tensors | None
    reason: str | None

    @property
    def tensors(self) -> Tensors:
        """The tensors of the first run."""
        return self.twice.first

    def wide(self, candidate: Subject) -> frozenset[TensorKey]:
        """Return the tensors in float64 of a candidate that holds its parameters in it."""
        if not is_wide(candidate.parameters()):
            return frozenset()
        return frozenset(key for key, x in self.tensors.items() if x.dtype == np.float64)


@contextmanager
def naming(side: str, question: Question | None = None) -> Iterator[None]:
    """Say in a `ModelError` of the block which side it is about.

    Where the model itself raises, say what it was asked: the inputs of a ``question``.
    """
    try:
        yield
    except ModelError as error:
        cause, said = error.__cause__, str(error)
        if question is not None and cause is not None:
            said += f" ({_inputs(question)}{_hint(cause)})"
        raise ModelError(f"{side}: {said}") from cause


def _hint(error: BaseException) -> str:
    """What an exception of a framework probably means here."""
    text = str(error)
    if isinstance(error, TypeError) and "missing" in text and "positional argument" in text:
        return "; a function with parameters is samestep.Model(call, params)"
    if "dtype" in text and ("Half" in text or "BFloat16" in text):
        return '; to compare in half precision hand in float32 models, and dtypes=("bfloat16",)'
    return ""


def _inputs(question: Question) -> str:
    """The inputs in words: "inputs: float32[16, 32], mask bool[16]"."""
    by_position = len(question.inputs) - len(question.keywords)
    names = [*[""] * by_position, *(f"{name} " for name in question.keywords)]
    shapes = [f"{name}{x.dtype}{list(x.shape)}" for name, x in zip(names, question.inputs, strict=True)]
    return f"input{'s' if len(shapes) != 1 else ''}: {', '.join(shapes) or 'none'}"


def run_candidate(candidate: Subject, question: Question, again: bool = True) -> CandidateRun:
    """Return the candidate's runs, a single one without ``again``.

    Raises `ModelError`, which names the candidate.
    """
    with naming("candidate", question):
        twice = candidate.run_twice(question) if again else Twice.of_one(candidate.run(question))
    twice = twice.put_aside()
    try:
        with refusing(candidate, question):
            program = candidate.program(question)
            return CandidateRun(twice, program, program.exact(), None)
    except Refused as refused:
        return CandidateRun(twice, None, None, str(refused))


def call_reference_twice(reference: Subject, question: Question) -> Twice:
    """Return two runs of the reference, with tensors only where these differ.

    Raises `ModelError`, which names the reference.
    """
    with naming("reference", question):
        return reference.run_twice(question).without_alike()


def open_programs(reference: Subject, question: Question, contract: Contract) -> ReferencePrograms:
    """Return the reference's programs. Raises `Refused`, and `ModelError`, which names the reference."""
    with naming("reference", question), refusing(reference, question):
        plain = reference.program(question, Contract.FLOAT32)
        own = plain.exact()
        declared = plain if contract is Contract.FLOAT32 else reference.program(question, contract)
        if declared is not plain:
            declared.exact()
    return ReferencePrograms(plain, declared, own)
