"""An Equinox module: its inexact arrays are trained, everything else stays as it is."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx

from samestep.models.jax.definition import Call, Definition, Layers, settings_of
from samestep.models.jax.trees import Arrays, Tree, is_floating
from samestep.models.subject import Layer

#: What `equinox.filter_jit` makes of a module.
_JITTED = type(eqx.filter_jit(lambda: None))


def define(module: Any, state: Any = None, call: Callable[..., Any] | None = None) -> Definition:
    """Return the definition of ``call(module, *inputs)``, by default ``module(*inputs)``.

    With an `equinox.nn.State`: ``call(module, *inputs, state) -> (outputs, new_state)``.
    """
    while isinstance(module, _JITTED):
        module = module.__wrapped__  # which hides its parameters; a run is compiled as a whole
    tree, parameters = Tree.of(module, is_floating, unwrapped)
    form, held = Tree.of(state)
    run = call or (lambda module, *inputs, **keywords: module(*inputs, **keywords))
    with_state = state is not None

    def apply(given: Call) -> tuple[Any, Arrays]:
        copy = marked(tree.build(given.parameters), given.layers)
        if not with_state:
            return run(copy, *given.inputs, **given.keywords), {}
        outputs, new = run(copy, *given.inputs, form.build(given.state), **given.keywords)
        return outputs, form.flatten(new, "the new state")

    inner = getattr(module, "_fun", module)
    return Definition(f"Equinox {type(inner).__name__}", parameters, held, {}, tree, apply)


def unwrapped(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path without what `equinox.filter_vmap` and `filter_jit` put before it."""
    return unwrapped(path[1:]) if path[:1] == ("_fun",) else path


def marked(value: Any, layers: Layers, path: tuple[str, ...] = ()) -> Any:
    """Return ``value`` with every callable module below it marking its outputs."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(marked(x, layers, (*path, str(i))) for i, x in enumerate(value))
    if isinstance(value, dict):
        return {name: marked(x, layers, (*path, str(name))) for name, x in value.items()}
    if not isinstance(value, eqx.Module):
        return value
    fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if hasattr(value, f.name)}
    place = unwrapped(path)
    settings = settings_of(fields)
    kind = _marking(type(value), Layer("/".join(place), type(value).__name__, settings), layers) if (
        place and callable(value)) else type(value)  # fmt: skip
    copy: Any = object.__new__(kind)
    for name, x in vars(value).items():
        object.__setattr__(copy, name, marked(x, layers, (*path, name)) if name in fields else x)
    return copy


def _marking(kind: type, layer: Layer, layers: Layers) -> type:
    """A class for one place in a model: vmap and jit take modules apart, and keep their classes."""

    def mark(self: Any, *args: Any, **kwargs: Any) -> Any:
        return layers.call(layer, functools.partial(kind.__call__, self), args, kwargs)

    return type(kind)(kind.__name__, (kind,), {"__call__": mark, "__module__": kind.__module__})
