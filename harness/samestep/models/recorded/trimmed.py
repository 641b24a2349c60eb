"""Answers of a large model without what a verdict needs least, so that its record can be carried about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from samestep.models.recorded.answer import Answer
from samestep.models.recorded.recorded_subject import Part
from samestep.models.tensors import Role, TensorKey
from samestep.models.twice import Twice

#: Bytes of a record that is left as it is: what version control and a mail still take.
LARGEST = 100 * 2**20

Answers = Mapping[str, Answer | str]


def trimmed(parts: Sequence[Part], largest: int = LARGEST) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Return the parts without as much as makes them ``largest`` bytes at most, and what was left out.

    The exact values, spreads and gradients of the inputs as given stay, however large they are.
    """
    said: list[str] = []
    for text, step in STEPS:
        if sum(size_of(part.answers) for part in parts) <= largest:
            break
        parts = [replace(part, answers=step(part.answers)) for part in parts]
        said.append(text)
    return tuple(parts), tuple(said)


def size_of(answers: Answers) -> int:
    """Return the bytes that the arrays of these answers take."""
    return sum(one.size for one in answers.values() if isinstance(one, Answer))


def without_roles(answer: Answer, roles: Collection[Role]) -> Answer:
    """Return an answer without the tensors of these roles."""

    def kept(tensors: Mapping[TensorKey, object]) -> dict:  # type: ignore[type-arg]
        return {key: x for key, x in tensors.items() if key.role not in roles}

    gates, twice = answer.gates, answer.twice
    return replace(
        answer,
        exact=kept(answer.exact), terms=kept(answer.terms),
        spreads=tuple(kept(spreads) for spreads in answer.spreads),
        owed=tuple(replace(one, moves=kept(one.moves)) for one in answer.owed),
        gates=replace(gates, places=kept(gates.places), moved=kept(gates.moved)) if gates else None,
        spilled=kept(answer.spilled),
        twice=Twice(kept(twice.first), kept(twice.second), twice.changed, twice.error),
        values=() if Role.LAYER in roles else answer.values,
    )  # fmt: skip


def _on_variants(change: Callable[[Answer], Answer | str]) -> Callable[[Answers], Answers]:
    """Change all answers but the first one and the optimiser's, which are on the inputs as given."""

    def step(answers: Answers) -> Answers:
        names = [name for name, one in answers.items() if isinstance(one, Answer) and one.is_variant]
        return {**answers, **{name: change(answers[name]) for name in names}}  # type: ignore[arg-type]

    return step


def _on_given(change: Callable[[Answer], Answer]) -> Callable[[Answers], Answers]:
    def step(answers: Answers) -> Answers:
        return {
            name: change(one) if isinstance(one, Answer) and not one.is_variant else one
            for name, one in answers.items()
        }

    return step


TOO_LARGE = f"they were left out of the record, which would be larger than {LARGEST >> 20} MB"

#: What is left out, one after the other.
STEPS: tuple[tuple[str, Callable[[Answers], Answers]], ...] = (
    ("gradients at layers on variants of the inputs",
     _on_variants(lambda answer: without_roles(answer, (Role.LAYER_GRADIENT,)))),
    ("layers on variants of the inputs",
     _on_variants(lambda answer: without_roles(answer, (Role.LAYER, Role.LAYER_GRADIENT)))),
    ("variants of the inputs", _on_variants(lambda answer: TOO_LARGE)),
    ("which elements hang on a gate", _on_given(lambda answer: replace(answer, gates=None))),
    ("gradients at layers", _on_given(lambda answer: without_roles(answer, (Role.LAYER_GRADIENT,)))),
)  # fmt: skip
