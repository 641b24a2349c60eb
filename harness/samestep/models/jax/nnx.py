"""A Flax NNX module: `nnx.Param` is trained, every other variable is state; its mode stays as it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flax import nnx

from samestep.models.jax.definition import Call, Definition, Layers, settings_of
from samestep.models.jax.trees import Arrays, Tree, is_floating
from samestep.models.subject import Layer

#: The attribute that holds a part's path while a copy of the module is called.
PATH = "_samestep_path"


def of_variable(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path without the last step, which leads from a variable to its array."""
    return path[:-1] if path[-1:] in (("value",), ("raw_value",)) else path


def define(module: nnx.Module) -> Definition:
    """Return the definition of ``module(*inputs)``. Random keys and counts go along, and are not compared."""
    graph, *parts = nnx.split(module, nnx.Param, nnx.RngState, ...)
    tree, parameters = Tree.of(parts[0], is_floating, of_variable)
    randomness, keys = Tree.of(parts[1], spelling=of_variable)
    form, state = Tree.of(parts[2], spelling=of_variable)

    def apply(given: Call) -> tuple[Any, Arrays]:
        arrays = tree.build(given.parameters), randomness.build(given.carried), form.build(given.state)
        copy = nnx.merge(graph, *arrays)
        with marked(copy, given.layers):
            outputs = copy(*given.inputs, **given.keywords)
        rest = nnx.split(copy, nnx.Param, nnx.RngState, nnx.Intermediate, ...)[-1]
        return outputs, form.flatten(rest, "the module after the call")

    mode = modes(module)
    text = f"Flax NNX {type(module).__name__}" + (f", {mode} mode" if mode else "")
    return Definition(text, parameters, state, keys, tree, apply)


def modes(module: nnx.Module) -> str:
    """Return "train", "eval" or "mixed" by the switches of dropout and normalization; "" without any."""
    switches = [
        bool(getattr(part, name))
        for _, part in nnx.iter_modules(module)
        for name in ("deterministic", "use_running_average")
        if isinstance(getattr(part, name, None), bool)
    ]
    if not switches:
        return ""
    return "eval" if all(switches) else "mixed" if any(switches) else "train"


@contextmanager
def marked(module: nnx.Module, layers: Layers) -> Iterator[None]:
    """Mark the outputs of every part of ``module`` while it is called, in its class for that long.

    The path is an attribute of each part, so that the copies which `nnx.jit` and others make have it too.
    """
    parts = [(path, part) for path, part in nnx.iter_modules(module) if path and callable(part)]
    for path, part in parts:
        setattr(part, PATH, "/".join(map(str, path)))
    kinds = {type(part) for _, part in parts}
    own = {kind: kind.__dict__["__call__"] for kind in kinds if "__call__" in kind.__dict__}

    def patched(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def mark(self: Any, *args: Any, **kwargs: Any) -> Any:
            name = getattr(self, PATH, None)
            if name is None:
                return call(self, *args, **kwargs)
            layer = Layer(name, type(self).__name__, settings_of(vars(self)))
            return layers.call(layer, functools.partial(call, self), args, kwargs)

        return mark

    try:
        for kind, call in own.items():
            kind.__call__ = patched(call)
        yield
    finally:
        for kind, call in own.items():
            kind.__call__ = call
