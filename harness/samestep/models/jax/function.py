"""A plain JAX function as a model: `call(params, *inputs)`, with a state, or without parameters at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from samestep.models.jax.definition import Definition, Layers
from samestep.models.jax.trees import Array, Arrays, Tree, is_floating, is_key
from samestep.models.subject import ModelError


def name_of(call: Callable[..., Any]) -> str:
    return str(getattr(call, "__name__", type(call).__name__))


def define(call: Callable[..., Any], params: Any = None, state: Any = None) -> Definition:
    """Return the definition of ``call(params, *inputs) -> outputs``.

    With a ``state``: ``call(params, state, *inputs) -> (outputs, new_state)``. Without ``params`` and
    ``state``: ``call(*inputs) -> outputs``. What is not floating in ``params`` stays as it is.
    """
    tree, parameters = Tree.of(params, is_floating)
    form, values = Tree.of(state)
    keys = {name: x for name, x in values.items() if is_key(x)}
    visible = {name: x for name, x in values.items() if name not in keys}
    state_given = state is not None

    def apply(
        parameters: Arrays,
        state: Arrays,
        carried: Arrays,
        inputs: Sequence[Array],
        keywords: Mapping[str, Array],
        layers: Layers,
    ) -> tuple[Any, Arrays]:
        first = (tree.build(parameters),) if params is not None else ()
        if state_given:
            outputs, new = pair(call(*first, form.build({**state, **carried}), *inputs, **keywords))
            changed = form.flatten(new, "the new state")
            return outputs, {name: changed[name] for name in visible}
        return call(*first, *inputs, **keywords), {}

    text = f"JAX function {name_of(call)}"
    return Definition(text, parameters, visible, keys, tree, apply)


def pair(result: Any) -> tuple[Any, Any]:
    """Return ``result`` as (outputs, new_state). Raises `ModelError` if it is something else."""
    if isinstance(result, (tuple, list)) and len(result) == 2:
        return result[0], result[1]
    raise ModelError("a function with a state must return (outputs, new_state)")
