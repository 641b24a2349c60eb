"""A JAX model as something to be timed: compiled with jax.jit, the training step as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from samestep.models.jax.definition import Layers
from samestep.models.jax.optimizer import init_and_update
from samestep.models.jax.step import Form, Values, forward, named_outputs, objective
from samestep.models.jax.subject import JaxSubject
from samestep.models.jax.trees import Array, Arrays
from samestep.models.timed_model import RATE, Recipe


class Training(NamedTuple):
    """Parameters, state (running statistics), and what the optimiser keeps: a pytree."""

    parameters: Arrays
    state: Arrays
    slots: Any


class TimedJax:
    """A model's forward pass and training step, each one compiled function."""

    def __init__(self, subject: JaxSubject, recipe: Recipe) -> None:
        self.definition, self.recipe = subject.definition, recipe
        self.form, inputs = Form.of(recipe.question)
        self.names = [name for name in self.form.names if name in inputs]
        self.places = [self.form.names.index(name) for name in self.names]
        self.optimizer = None if recipe.optimizer is None else init_and_update(recipe.optimizer)
        self.compiled_forward = jax.jit(self._forward)
        self.compiled_step = jax.jit(self._step)

    def asarray(self, array: np.ndarray) -> Array:
        return jnp.array(array)

    def adopt(self, params: Mapping[str, Any]) -> Training:
        own = self.definition
        slots = None if self.optimizer is None else self.optimizer[0](own.tree.build(own.parameters))
        return Training(dict(own.parameters), dict(own.state), slots)

    def export(self, state: Training) -> Arrays:
        return {**state.parameters, **state.state}

    def forward(self, state: Training, *inputs: Array) -> Any:
        return self.compiled_forward(state, self.definition.carried, inputs)

    def train_step(self, state: Training, *inputs: Array) -> tuple[Training, Array]:
        stepped: tuple[Training, Array] = self.compiled_step(state, self.definition.carried, inputs)
        return stepped

    def _forward(self, training: Training, carried: Arrays, inputs: tuple[Array, ...]) -> Any:
        values = self._values(training.parameters, training.state, carried, inputs)
        found = named_outputs(forward(self.definition, self.form, values, Layers())[0])
        return next(iter(found.values())) if len(found) == 1 else found

    def _step(self, training: Training, carried: Arrays, inputs: tuple[Array, ...]) -> tuple[Training, Array]:
        def loss_of(parameters: Arrays) -> tuple[Array, Arrays]:
            values = self._values(parameters, training.state, carried, inputs)
            outputs, state = forward(self.definition, self.form, values, Layers())
            return self._loss(objective(self.form, outputs, values.targets)), state

        (loss, state), gradients = jax.value_and_grad(loss_of, has_aux=True)(training.parameters)
        parameters, slots = self._updated(training, gradients)
        return Training(parameters, {**training.state, **state}, slots), loss

    def _values(
        self, parameters: Arrays, state: Arrays, carried: Arrays, inputs: tuple[Array, ...]
    ) -> Values:
        named = {name: inputs[place] for name, place in zip(self.names, self.places, strict=True)}
        targets = inputs[-1] if len(inputs) > len(self.form.names) else None
        return Values(parameters, state, carried, named, targets)

    def _loss(self, parts: tuple[Array, ...]) -> Array:
        """Return the loss; without one the sum of outputs times the fixed cotangents."""
        if self.form.loss is not None:
            return parts[0]
        cotangents = [self.recipe.question.cotangent(i, x.shape) for i, x in enumerate(parts)]
        return sum(jnp.sum(x * c) for x, c in zip(parts, cotangents, strict=True))

    def _updated(self, training: Training, gradients: Arrays) -> tuple[Arrays, Any]:
        old, tree = training.parameters, self.definition.tree
        if self.optimizer is None:
            return {name: old[name] - RATE * gradients[name] for name in old}, None
        moves, slots = self.optimizer[1](tree.build(gradients), training.slots, tree.build(old))
        move = tree.flatten(moves, "the update")
        return {name: (old[name] + move[name]).astype(old[name].dtype) for name in old}, slots


def timed(subject: JaxSubject, recipe: Recipe) -> TimedJax:
    """Return a JAX model as something to be timed."""
    return TimedJax(subject, recipe)
