"""Steps of a torch.optim optimizer, each from given values and gradients, its state its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from samestep.agreement.arithmetic.torch.number import Number
from samestep.models.question import Steps
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import TensorKey
from samestep.models.torch.user_code import model_errors
from samestep.models.torch.values import to_array, to_tensor

Arrays = Mapping[TensorKey, np.ndarray]


class OptimizerSteps:
    """``optimizer`` makes a torch.optim optimizer from a list of parameters, shaped as the model's ``own``.

    With ``rounds`` its hyperparameters round at each use, as where they are computed with in float32. Raises
    `ModelError` for what is no such function, and for values that the model's parameters cannot have.
    """

    def __init__(
        self, own: Mapping[str, torch.Tensor], optimizer: object, steps: Steps, rounds: bool = False
    ) -> None:
        self._values = [_held(values, own, "value") for values in steps.params]
        self._gradients = [_held(gradients, own, "gradient") for gradients in steps.gradients]
        given = {name for values in self._values for name in values}
        self._parameters = {
            name: torch.nn.Parameter(torch.zeros_like(own[name], requires_grad=False))
            for name in own
            if name in given
        }
        self._optimizer = made_of(optimizer, list(self._parameters.values()))
        if rounds:
            for group in self._optimizer.param_groups:
                group.update({key: _rounding(value) for key, value in group.items() if key != "params"})

    @property
    def given(self) -> Arrays:
        """The values before each step, by the keys of `run`, in float64."""
        return {
            TensorKey.of_update(t, name): to_array(value, name).astype(np.float64)
            for t, values in enumerate(self._values)
            for name, value in values.items()
        }

    def held(self) -> Iterable[torch.Tensor]:
        """Return the tensors that the other side has as well, bit for bit."""
        for given in (*self._values, *self._gradients):
            yield from given.values()

    def run(self) -> dict[TensorKey, torch.Tensor]:
        """Return the parameters after each step; one without a gradient is left to the optimizer as it is."""
        after = {}
        for t, (values, gradients) in enumerate(zip(self._values, self._gradients, strict=True)):
            for name, parameter in self._parameters.items():
                if name in values:
                    with torch.no_grad():
                        parameter.copy_(values[name])
                parameter.grad = gradients[name].clone() if name in gradients else None
            self._optimizer.step()
            for name in values:
                after[TensorKey.of_update(t, name)] = self._parameters[name].detach().clone()
        return after


def updates(after: Arrays, given: Arrays) -> dict[TensorKey, np.ndarray]:
    """Return new minus given values, in float64, where the subtraction adds no rounding that counts."""
    return {key: value.astype(np.float64) - given[key] for key, value in after.items()}


def settings_of(optimizer: object) -> Layer:
    """Return the class of the optimizer that ``optimizer`` makes of a parameter, and its settings."""
    made = made_of(optimizer, [torch.nn.Parameter(torch.zeros(1))])
    settings = {key: value for key, value in made.param_groups[0].items() if key != "params"}
    return Layer("optimizer", type(made).__name__.lower(), settings)


def _rounding(setting: Any) -> Any:
    """A hyperparameter, or several, each as a number that rounds at each use."""
    if isinstance(setting, tuple | list):
        return type(setting)(map(_rounding, setting))
    return Number(setting) if isinstance(setting, float) else setting


def _held(
    arrays: Mapping[str, np.ndarray], own: Mapping[str, torch.Tensor], what: str
) -> dict[str, torch.Tensor]:
    held = {}
    for name, array in arrays.items():
        if name not in own:
            raise ModelError(f"a {what} is given for {name}, which is no parameter of the model")
        if np.shape(array) != tuple(own[name].shape):
            shapes = f"{np.shape(array)}; the parameter has {tuple(own[name].shape)}"
            raise ModelError(f"the {what} given for {name} has the shape {shapes}")
        held[name] = to_tensor(array, f"the {what} of {name}", own[name].device).to(own[name].dtype)
    return held


def made_of(optimizer: object, parameters: list[torch.nn.Parameter]) -> Any:
    """Return the optimizer that the user's function makes of ``parameters``, and of no others.

    Raises `ModelError` for anything else.
    """
    if not callable(optimizer):
        kind = type(optimizer).__name__
        example = kind if isinstance(optimizer, torch.optim.Optimizer) else "Adam"
        raise ModelError(
            f"a PyTorch optimizer is a function of the parameters, not {kind}: "
            f"lambda params: torch.optim.{example}(params, ...)"
        )
    with model_errors("making the optimizer"):
        made = optimizer(parameters)
    if not isinstance(made, torch.optim.Optimizer):
        raise ModelError(
            f"the optimizer's function returns a {type(made).__name__}, no torch.optim.Optimizer"
        )
    known = {id(parameter) for parameter in parameters}
    if any(id(parameter) not in known for group in made.param_groups for parameter in group["params"]):
        raise ModelError("the optimizer's function uses other parameters than those that it is given")
    return made
