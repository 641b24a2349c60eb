"""Layers that were paired by their names and places, and turn out to show something else.

A Keras layer with its activation inside and PyTorch's layer before it have one name and one shape. Where all
that comes out agrees in both passes, what went through the layers was no other function: they only show it at
other points.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from samestep.agreement.verdict import DISAGREE
from samestep.models.judged import JudgedTensor
from samestep.models.tensors import Role

SHOWN = (Role.LAYER, Role.LAYER_GRADIENT)


def guessed_wrongly(judged: Sequence[JudgedTensor], guessed: Collection[str]) -> tuple[str, ...]:
    """Return the ``guessed`` layers that show something else; empty where anything beside them disagrees."""

    def is_guessed(tensor: JudgedTensor) -> bool:
        return tensor.key.role in SHOWN and tensor.key.name in guessed

    wrong = [tensor for tensor in judged if tensor.state == DISAGREE]
    if not all(map(is_guessed, wrong)) or not any(tensor.key.role is Role.OUTPUT for tensor in judged):
        return ()
    return tuple(dict.fromkeys(tensor.key.name for tensor in wrong))


def without_layers(judged: Sequence[JudgedTensor], names: Collection[str]) -> tuple[JudgedTensor, ...]:
    """Return the judged tensors but those at these layers."""
    return tuple(t for t in judged if t.key.role not in SHOWN or t.key.name not in names)
