"""Steps of a Keras optimizer, each from given values and gradients, its state its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from samestep.models.question import Steps
from samestep.models.subject import Layer, ModelError, first_line
from samestep.models.tensors import TensorKey, Tensors

Arrays = Mapping[str, np.ndarray]


class KerasSteps:
    """A new optimizer as ``optimizer`` is configured, on variables as the model's ``own``.

    Raises `ModelError` for what is no Keras optimizer, and for values that no parameter of the model has.
    """

    def __init__(self, own: Mapping[str, Any], optimizer: object, steps: Steps) -> None:
        self.steps = steps
        self.values, self.gradients = (
            [_tensors(arrays, own) for arrays in given] for given in (steps.params, steps.gradients)
        )
        first = self.values[0] if self.values else {}
        self.variables = {name: _variable(name, value, own[name]) for name, value in first.items()}
        self.optimizer = _fresh(optimizer)
        self.optimizer.build(list(self.variables.values()))

    def run(self) -> dict[TensorKey, Any]:
        """Return the parameters after each step, as the backend's own tensors."""
        after: dict[TensorKey, Any] = {}
        for t, (values, gradients) in enumerate(zip(self.values, self.gradients, strict=True)):
            for name, variable in self.variables.items():
                variable.assign(values[name])
            self.optimizer.apply(self._ordered(gradients), list(self.variables.values()))
            for name, variable in self.variables.items():
                after[TensorKey.of_update(t, name)] = keras.ops.copy(variable.value)
        return after

    @property
    def given(self) -> Tensors:
        """The values before each step, by the keys of `run`, in float64."""
        return {
            TensorKey.of_update(t, name): value.astype(np.float64)
            for t, values in enumerate(self.steps.params)
            for name, value in values.items()
        }

    def fix_rate(self, change: Callable[[float], float | None]) -> None:
        """Replace the variable that holds the rate by a plain number, unless ``change`` has none for it."""
        rate = self.optimizer._learning_rate
        if isinstance(rate, keras.Variable):
            number = change(float(keras.ops.convert_to_numpy(rate.value)))
            self.optimizer._learning_rate = rate if number is None else number

    def held(self) -> list[Any]:
        """Return the tensors that the other side has as well, bit for bit."""
        return [x for given in (*self.values, *self.gradients) for x in given.values()]

    def updates(self, params: Sequence[Arrays], gradients: Sequence[Arrays]) -> dict[TensorKey, Any]:
        """Return new minus given values as the backend's own tensors, without changing a variable.

        The optimizer's numbers, which Keras holds in variables, are constants of this function.
        """
        state = [variable.value for variable in self.optimizer.variables]
        after: dict[TensorKey, Any] = {}
        for t, (values, slopes) in enumerate(zip(params, gradients, strict=True)):
            before = [values[name] for name in self.variables]
            new, state = self.optimizer.stateless_apply(state, self._ordered(slopes), before)
            after.update(
                {
                    TensorKey.of_update(t, n): x - y
                    for n, x, y in zip(self.variables, new, before, strict=True)
                }
            )
        return after

    def _ordered(self, gradients: Mapping[str, Any]) -> list[Any]:
        return [gradients.get(name) for name in self.variables]


def run_steps(own: Mapping[str, Any], optimizer: object, steps: Steps) -> Tensors:
    """Return the updates of a Keras optimizer as its backend runs it. Raises `ModelError`."""
    made = KerasSteps(own, optimizer, steps)
    try:
        after = made.run()
    except Exception as error:  # whatever an optimizer of the user's own raises
        raise ModelError(f"the optimizer raises {type(error).__name__}: {first_line(error)}") from error
    arrays = {key: np.asarray(keras.ops.convert_to_numpy(x), np.float64) for key, x in after.items()}
    return {key: array - made.given[key] for key, array in arrays.items()}  # float64 adds no rounding here


def _fresh(optimizer: object) -> Any:
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        kind = type(optimizer).__name__
        raise ModelError(
            f"the optimizer is a {kind}: give a Keras optimizer, such as keras.optimizers.Adam(1e-3)"
        )
    try:
        return type(optimizer).from_config(optimizer.get_config())
    except Exception as error:  # a schedule or an optimizer of the user's own
        raise ModelError(
            f"the optimizer {type(optimizer).__name__} cannot be made anew from its configuration: "
            f"{first_line(error)}"
        ) from error


def _variable(path: str, value: Any, own: Any) -> keras.Variable:
    """A variable with the path of the model's own, by which optimizers exclude some from weight decay."""
    variable = keras.Variable(value, dtype=own.dtype, name=path.rpartition("/")[2])
    variable._path = path
    return variable


def _tensors(arrays: Arrays, own: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays as the backend's own tensors. Raises `ModelError` for other names and shapes."""
    for name, array in arrays.items():
        if name not in own:
            raise ModelError(f"a step is given for {name}, which is no parameter of the model")
        if np.shape(array) != tuple(own[name].shape):
            shapes = f"{np.shape(array)}; the parameter has {tuple(own[name].shape)}"
            raise ModelError(f"a step of {name} is given in the shape {shapes}")
    return {name: keras.ops.convert_to_tensor(array, own[name].dtype) for name, array in arrays.items()}


def settings_of(optimizer: object) -> Layer | None:
    """Return the class of a Keras optimizer and its numbers, as they were configured; None for another."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return None
    numbers = {k: v for k, v in optimizer.get_config().items() if isinstance(v, bool | int | float)}
    return Layer("optimizer", type(optimizer).__name__.lower(), numbers)
