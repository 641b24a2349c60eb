"""A model as a pure function of named arrays, whatever library of JAX it is written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
from jax import errors

from samestep.agreement.arithmetic.jaxpr.tags import tag
from samestep.models.jax.trees import Arrays, Tree, is_array, is_floating, is_key, named_leaves
from samestep.models.subject import Layer, ModelError

#: What jax raises where Python wants the value of a traced array: the function cannot be traced, but may run.
NEEDS_VALUES = (
    errors.ConcretizationTypeError,
    errors.TracerArrayConversionError,
    errors.TracerIntegerConversionError,
    errors.NonConcreteBooleanIndexError,
)

#: How the tags of layers' inputs begin: no layer has a name like that.
INPUT = "input of: "


@dataclass
class Layers:
    """The layers that were met while a model was traced: by name, and each tag's layer and output.

    ``inputs_of`` names those whose inputs are tagged too: ``inputs`` are the names by their tags.
    """

    inputs_of: frozenset[str] = frozenset()
    met: dict[str, Layer] = field(default_factory=dict)
    tags: dict[str, tuple[str, str]] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def call(self, layer: Layer, call: Callable[..., Any], args: Any, keywords: Any) -> Any:
        """Return what ``call`` returns, tagged as the outputs of ``layer``, and its inputs if asked for."""
        if layer.name in self.inputs_of:
            args, keywords = self._tag_inputs(layer.name, (args, keywords))
        return self.mark(layer, call(*args, **keywords))

    def _tag_inputs(self, name: str, given: tuple[Any, Any]) -> tuple[Any, Any]:
        """The same arguments with traced arrays tagged; others stay what they are: code may read them."""
        leaves, structure = jax.tree_util.tree_flatten(given)
        arrays = [i for i, leaf in enumerate(leaves) if is_array(leaf) and not is_key(leaf)]
        for index, place in enumerate(arrays):
            if isinstance(leaves[place], jax.core.Tracer):
                self.inputs[f"{INPUT}{name}.{index}"] = f"{name}.{index}"
                leaves[place] = tag(leaves[place], f"{INPUT}{name}.{index}")
        arguments: tuple[Any, Any] = jax.tree_util.tree_unflatten(structure, leaves)
        return arguments

    def mark(self, layer: Layer, outputs: Any) -> Any:
        """Return ``outputs`` of ``layer`` with floating arrays tagged: ``name``, ``name.0`` of several."""
        named = named_leaves(outputs)
        self.met[layer.name] = layer
        leaves = []
        for path, leaf in named:
            output = "." + path.replace("/", ".") if len(named) > 1 else ""
            self.tags[layer.name + output] = (layer.name, output)
            leaves.append(tag(leaf, layer.name + output) if is_floating(leaf) else leaf)
        return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(outputs), leaves)


@dataclass(frozen=True)
class Call:
    """What a model is called with: arrays by name, ``inputs`` by position, and where layers are marked."""

    parameters: Arrays
    state: Arrays
    carried: Arrays
    inputs: Sequence[Any]
    keywords: Mapping[str, Any]
    layers: Layers


#: From a call to (outputs, new state by name).
Apply = Callable[[Call], tuple[Any, Arrays]]


@dataclass(frozen=True)
class Definition:
    """A model: its ``parameters`` and ``state`` by name, and ``apply``, which changes nothing.

    ``carried`` are arrays that go in and are never compared, such as random keys. ``tree`` is the form in
    which the model's own library, and optax, see the parameters. ``function`` is the user's own, where the
    model is a plain function, which may keep something from call to call.
    """

    description: str
    parameters: Arrays
    state: Arrays
    carried: Arrays
    tree: Tree
    apply: Apply
    function: Callable[..., Any] | None = None


def settings_of(values: Mapping[str, Any]) -> dict[str, object]:
    """Return the numbers and words among a module's attributes; of a function its name."""
    readable: dict[str, object] = {}
    for name, value in values.items():
        if name.startswith("_") or name in ("name", "parent") or name.endswith(("_init", "promote_dtype")):
            continue
        parts = value if isinstance(value, tuple) else (value,)
        if parts and all(isinstance(x, (bool, int, float, str)) for x in parts):
            readable[name] = value
        elif callable(value) and isinstance(getattr(value, "__name__", None), str):
            readable[name] = value.__name__
    return readable


@contextmanager
def model_errors(what: str) -> Iterator[None]:
    """Turn what the user's code raises into a `ModelError` of one line, with the exception as its cause.

    What jax raises for Python control flow on traced values goes through: the caller can run it eagerly.
    """
    try:
        yield
    except (ModelError, *NEEDS_VALUES):
        raise
    except jax.errors.UnexpectedTracerError as error:
        text = f"{what} keeps a traced value from another call: return values, do not store them outside"
        raise ModelError(text) from error
    except Exception as error:
        raise ModelError(f"{what} raised {type(error).__name__}: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """Return the first lines of an exception's message as one, and for missing random keys what to do."""
    text = " ".join(str(error).partition("-" * 20)[0].split())  # what follows is about JAX's own frames
    short = text if len(text) <= 300 else text[:297] + "..."
    if "needs PRNG" in text or "InvalidRng" in type(error).__name__:
        short += " (pass deterministic=True, or rngs={'dropout': jax.random.key(0)})"
    if 'collection "params"' in text and "empty" in text:
        short += " (variables are the dict that module.init returns: {'params': ...})"
    return short
