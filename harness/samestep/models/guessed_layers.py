"""Layers that were paired by their names and places, and turn out to show something else.

A Keras layer with its activation inside and PyTorch's layer before it have one name and one shape. Where all
that comes out agrees, what went through the layers was no other function: they only show it at other points.
So too where one shows an activation of the other's value, and a layer after it agrees.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from samestep.agreement.verdict import AGREE, DISAGREE
from samestep.models.fitting.activation_mistakes import FUNCTIONS
from samestep.models.judged import JudgedTensor
from samestep.models.nearness import is_near
from samestep.models.tensors import Role, Tensors

SHOWN = (Role.LAYER, Role.LAYER_GRADIENT)


def guessed_wrongly(
    judged: Sequence[JudgedTensor], guessed: Collection[str], got: Tensors, expected: Tensors
) -> tuple[str, ...]:
    """Return the ``guessed`` layers that show something else: ``got`` and ``expected`` are what they show."""
    wrong = [t for t in judged if t.key.role in SHOWN and t.key.name in guessed and t.state == DISAGREE]
    outputs = [tensor.state for tensor in judged if tensor.key.role is Role.OUTPUT]
    if not wrong:
        return ()
    if outputs and DISAGREE not in outputs:
        return tuple(dict.fromkeys(tensor.key.name for tensor in wrong))
    places = {tensor.key: place for place, tensor in enumerate(judged)}
    known = [places[t.key] for t in judged if t.key.role is Role.LAYER and t.key.name not in guessed]
    agreeing = [place for place in known if judged[place].state == AGREE]
    return tuple(
        tensor.key.name
        for tensor in wrong
        if tensor.key.role is Role.LAYER
        and places[tensor.key] < max(agreeing, default=-1)
        and _is_activation(got[tensor.key], expected[tensor.key])
    )


def without_layers(judged: Sequence[JudgedTensor], names: Collection[str]) -> tuple[JudgedTensor, ...]:
    """Return the judged tensors but those at these layers."""
    return tuple(t for t in judged if t.key.role not in SHOWN or t.key.name not in names)


def _is_activation(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether one is an activation of the other."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(all="ignore"):
        return any(
            is_near(function(x), y)
            for function in FUNCTIONS.values()
            for x, y in ((one, other), (other, one))
        )
