"""A Flax Linen module with its variables: "params" are trained, every other collection is state."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import flax.linen as nn
import jax

from samestep.models.jax.definition import Call, Definition, Layers, settings_of
from samestep.models.jax.trees import Arrays, Tree, is_floating
from samestep.models.subject import Layer, ModelError


def define(
    module: nn.Module,
    variables: Any,
    rngs: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Definition:
    """Return the definition of ``module.apply(variables, *inputs, rngs=rngs, **options)``.

    Every collection but "params" may change, as it does in train mode; in eval mode none does. Names of
    state begin with the collection: "batch_stats/BatchNorm_0/mean".
    """
    if not isinstance(variables, Mapping):
        raise ModelError("a Linen module needs its variables: the dict that module.init returns")
    tree, parameters = Tree.of(variables.get("params", {}), is_floating)
    form, state = Tree.of({name: value for name, value in variables.items() if name != "params"})
    keys = {name: jax.numpy.asarray(key) for name, key in (rngs or {}).items()}

    def apply(given: Call) -> tuple[Any, Arrays]:
        others = form.build(given.state)
        named = {**given.keywords, **(options or {}), "rngs": given.carried or None}
        with intercepted(given.layers):
            collections = {"params": tree.build(given.parameters), **others}
            outputs, new = module.apply(collections, *given.inputs, mutable=list(others), **named)
        return outputs, form.flatten({**others, **new}, "the variables after the call")

    return Definition(f"Flax Linen {type(module).__name__}", parameters, state, keys, tree, apply)


def bound(module: nn.Module, options: Mapping[str, Any] | None = None) -> Definition:
    """Return the definition of a module that was made by ``module.bind(variables, rngs=...)``."""
    if module.scope is None:
        raise ModelError(
            f"the Linen module {type(module).__name__} has no variables: pass module.bind(variables)"
        )
    rngs = {name: rng.as_jax_rng() for name, rng in module.scope.rngs.items()}
    free, variables = module.unbind()
    return define(free, variables, rngs, options)


def intercepted(layers: Layers) -> AbstractContextManager[None]:
    """Mark what every submodule's ``__call__`` takes and returns in this context."""

    def mark(call: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
        module = context.module
        if context.method_name != "__call__" or not module.path:
            return call(*args, **kwargs)
        fields = {f.name: getattr(module, f.name, None) for f in dataclasses.fields(module)}
        layer = Layer("/".join(module.path), type(module).__name__, settings_of(fields))
        return layers.call(layer, call, args, kwargs)

    context: AbstractContextManager[None] = nn.intercept_methods(mark)
    return context


def of_apply(call: Any, params: Any) -> Definition | None:
    """Return the definition for ``module.apply``, or a partial of it; None for other functions."""
    options: dict[str, Any] = {}
    if isinstance(call, functools.partial) and not call.args:
        call, options = call.func, dict(call.keywords)
    module = getattr(call, "__self__", None)
    if not isinstance(module, nn.Module) or getattr(call, "__name__", "") != "apply":
        return None
    if {"mutable", "capture_intermediates"} & options.keys() or not isinstance(params, Mapping):
        return None
    return define(module, params, options.pop("rngs", None), options)
