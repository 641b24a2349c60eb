"""A plain JAX function as a model: `call(params, *inputs)`, with a state, or without parameters at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from samestep.models.jax.definition import Call, Definition, Layers
from samestep.models.jax.trees import Arrays, Tree, is_floating, is_key
from samestep.models.subject import ModelError


def name_of(call: Callable[..., Any]) -> str:
    return str(getattr(call, "__name__", type(call).__name__))


def define(call: Callable[..., Any], params: Any = None, state: Any = None) -> Definition:
    """Return the definition of ``call(params, *inputs) -> outputs``.

    With a ``state``: ``call(params, state, *inputs) -> (outputs, new_state)``. Without ``params`` and
    ``state``: ``call(*inputs) -> outputs``. What is not floating in ``params`` stays as it is.
    """
    tree, parameters = Tree.of(params, is_floating)
    form, values = (None, {}) if state is None else Tree.of(state)
    keys = {name: x for name, x in values.items() if is_key(x)}
    visible = {name: x for name, x in values.items() if name not in keys}

    def apply(given: Call) -> tuple[Any, Arrays]:
        first = () if params is None else (tree.build(given.parameters),)
        held = () if form is None else (form.build({**given.state, **given.carried}),)
        with linen_layers(given.layers):
            returned = call(*first, *held, *given.inputs, **given.keywords)
        if form is None:
            return returned, {}
        outputs, new = pair(returned)
        changed = form.flatten(new, "the new state")
        return outputs, {name: changed[name] for name in visible}

    text = f"JAX function {name_of(call)}"
    return Definition(text, parameters, visible, keys, tree, apply, call)


def pair(result: Any) -> tuple[Any, Any]:
    """Return ``result`` as (outputs, new_state). Raises `ModelError` if it is something else."""
    if isinstance(result, (tuple, list)) and len(result) == 2:
        return result[0], result[1]
    raise ModelError("a function with a state must return (outputs, new_state)")


def linen_layers(layers: Layers) -> AbstractContextManager[None]:
    """Mark the layers of Flax Linen modules that a function calls, if Flax is in use."""
    if "flax.linen" not in sys.modules:
        return nullcontext()
    from samestep.models.jax.linen import intercepted

    return intercepted(layers)
