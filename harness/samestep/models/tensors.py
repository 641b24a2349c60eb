"""The tensors of one run of a model, by what they are and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np


class Role(Enum):
    """What a tensor is; the order is the order in which a training step computes them."""

    LAYER_INPUT = "input of"
    LAYER = "layer"
    OUTPUT = "output"
    LOSS = "loss"
    STATE = "state"
    LAYER_GRADIENT = "gradient at"
    INPUT_GRADIENT = "gradient of input"
    GRADIENT = "gradient of"
    UPDATE = "update of"


#: Roles whose tensors are gradients.
GRADIENTS = (Role.LAYER_GRADIENT, Role.INPUT_GRADIENT, Role.GRADIENT)


@dataclass(frozen=True)
class TensorKey:
    """The name of a tensor: ``name`` is a layer's or parameter's path as its own framework spells it.

    A layer that is called several times has ``name#2``, ``name#3`` for the further calls; a layer with
    several outputs ``name.0``, ``name.1``; likewise an output that is a tuple, a dict or a dataclass: the
    path of the leaf, "" for a single one.
    """

    role: Role
    name: str

    def __str__(self) -> str:
        if self.role is Role.LAYER:
            return self.name
        if self.role is Role.UPDATE and ":" in self.name:
            step, name = self.step_and_parameter
            return f"{name} after step {step + 1}"
        return f"{self.role.value} {self.name}".strip()

    @classmethod
    def of_update(cls, step: int, parameter: str) -> TensorKey:
        """Return the key of what a step, counted from 0, changes of a parameter: ``"{step}:{parameter}"``."""
        return cls(Role.UPDATE, f"{step}:{parameter}")

    @property
    def step_and_parameter(self) -> tuple[int, str]:
        """The two that `of_update` was given. Raises ValueError for another key."""
        step, _, parameter = self.name.partition(":")
        return int(step), parameter

    @property
    def is_backward(self) -> bool:
        """Whether the tensor belongs to the backward pass, where frameworks treat NaN differently."""
        return self.role in (*GRADIENTS, Role.UPDATE)


#: Arrays by key, in the order in which they are computed: layers in the order of their calls, outputs, loss,
#: new state, then gradients at layers' outputs (last layer first), of inputs and of parameters.
Tensors = Mapping[TensorKey, np.ndarray]


def of_role(tensors: Tensors, role: Role) -> dict[str, np.ndarray]:
    """Return the tensors of one role by name."""
    return {key.name: value for key, value in tensors.items() if key.role is role}
