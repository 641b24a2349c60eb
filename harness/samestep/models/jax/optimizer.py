"""Optimiser steps from given values: optax transformations, and (init, update) pairs of that form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from samestep.models.jax.definition import Definition, model_errors
from samestep.models.jax.trees import Array, Arrays, fitting
from samestep.models.question import Steps
from samestep.models.subject import ModelError
from samestep.models.tensors import TensorKey


@dataclass(frozen=True)
class Updates:
    """Steps as a pure function: ``function(*arguments)`` returns the updates in the order of ``keys``."""

    function: Callable[..., list[Array]]
    arguments: tuple[Any, ...]
    keys: tuple[TensorKey, ...]

    def named(self, *arguments: Any) -> dict[TensorKey, Array]:
        """Return the updates by key."""
        return dict(zip(self.keys, self.function(*arguments), strict=True))


def optimizer_steps(definition: Definition, optimizer: Any, steps: Steps) -> Updates:
    """Return the ``steps`` of ``optimizer``: update(gradients, state, params) -> (what to add, state).

    Its state is made here, outside of any trace, so that its numbers are inputs. Parameters that are not
    given do not move. Raises `ModelError`.
    """
    init, update = init_and_update(optimizer)
    params = [_whole(definition, given, definition.parameters) for given in steps.params]
    zeros = {name: jnp.zeros_like(x) for name, x in definition.parameters.items()}
    gradients = [_whole(definition, given, zeros) for given in steps.gradients]
    with model_errors("the optimizer"):
        state = init(definition.tree.build(params[0]))
    keys = [TensorKey.of_update(t, name) for t, given in enumerate(steps.params) for name in given]

    def function(params: list[Arrays], gradients: list[Arrays], state: Any) -> list[Array]:
        results: list[Array] = []
        for given, slopes, names in zip(params, gradients, steps.params, strict=True):
            with model_errors("the optimizer"):
                moves, state = update(definition.tree.build(slopes), state, definition.tree.build(given))
            move = definition.tree.flatten(moves, "the update")
            new = {name: (given[name] + move[name]).astype(given[name].dtype) for name in names}
            results += [new[name] - given[name] for name in names]
        return results

    return Updates(function, (params, gradients, state), tuple(keys))


def init_and_update(optimizer: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the two functions of an optax transformation, or of a pair. Raises `ModelError`."""
    if hasattr(optimizer, "init") and hasattr(optimizer, "update"):
        return optimizer.init, optimizer.update
    if isinstance(optimizer, Sequence) and len(optimizer) == 2 and all(map(callable, optimizer)):
        return optimizer[0], optimizer[1]
    kind = type(optimizer).__name__
    raise ModelError(f"a JAX optimizer is an optax transformation or a pair (init, update), not {kind}")


def _whole(definition: Definition, given: Any, others: Arrays) -> dict[str, Array]:
    """The values of all parameters: those ``given``, and the rest of ``others``."""
    unknown = next((name for name in given if name not in definition.parameters), None)
    if unknown is not None:
        raise ModelError(f"there is no parameter {unknown!r}; there are {', '.join(definition.parameters)}")
    own = definition.parameters
    return {
        **others,
        **{name: fitting(f"parameter {name!r}", np.asarray(x), own[name]) for name, x in given.items()},
    }
