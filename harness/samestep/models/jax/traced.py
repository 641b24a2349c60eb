"""A model's step, traced once, its tags turned into results: XLA compiles it, an engine follows it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from samestep.models.jax.definition import Definition, Layers
from samestep.models.jax.step import Form, Values, forward, objective, step
from samestep.models.jax.tagged_values import Given, Seen, Tag, evaluate
from samestep.models.jax.trees import Array
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import Role, TensorKey


@dataclass(frozen=True)
class Traced:
    """A step without tags: ``function(values, forced)`` returns its results in the order of ``keys``.

    ``forced`` are given values of layers, in the order in which they were asked for. ``tagged`` are the
    shapes of all layers' values and gradients, ``cotangents`` those that `Values` must have.
    """

    function: Callable[[Values, Sequence[Array]], list[Array]]
    keys: tuple[TensorKey, ...]
    layers: tuple[Layer, ...]
    tagged: Mapping[TensorKey, jax.ShapeDtypeStruct]
    cotangents: tuple[tuple[int, ...], ...]


def trace(definition: Definition, form: Form, values: Values, forced: Sequence[TensorKey] = ()) -> Traced:
    """Return the step of ``definition`` for values of these shapes, going on from given values at ``forced``.

    Raises `ModelError` for a key of ``forced`` that is not among the layers.
    """
    layers = Layers()
    results: list[TensorKey] = []
    shapes = cotangent_shapes(definition, form, values)
    values = replace(values, cotangents=tuple(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes))

    def plain(values: Values) -> list[Array]:
        named = step(definition, form, values, layers)
        results[:] = list(named)
        return list(named.values())

    closed = jax.make_jaxpr(plain)(values)
    once = Seen()
    jax.eval_shape(lambda *xs: evaluate(closed, xs, once), *closed.in_avals)
    labels = labelled(once.tags, layers)
    places = {key: at for at, key in enumerate(labels) if key is not None}
    unknown = next((key for key in forced if key not in places), None)
    if unknown is not None:
        known = ", ".join(key.name for key in places if key.role is unknown.role)
        raise ModelError(f"no {unknown} can be forced: there are {known or 'no layers'}")
    order = sorted(places, key=lambda key: places[key])
    values_first = [key for key in order if key.role is Role.LAYER]
    gradients_last = [key for key in order if key.role is not Role.LAYER]
    middle = [key for key in results if key.role in (Role.OUTPUT, Role.LOSS, Role.STATE)]
    keys = (*values_first, *middle, *gradients_last, *(key for key in results if key not in middle))

    def function(values: Values, given: Sequence[Array]) -> list[Array]:
        going_on: dict[int, Given] = {places[key]: (None, x) for key, x in zip(forced, given, strict=True)}
        seen = Seen(going_on)
        own = evaluate(closed, jax.tree_util.tree_leaves(values), seen)
        named = {
            **dict(zip(results, own, strict=True)),
            **{key: seen.values[at] for key, at in places.items()},
        }
        return [named[key] for key in keys]

    met: dict[str, Layer] = {}
    for tag in (tag for tag in once.tags if not tag.gradient):
        name, _ = layers.tags.get(tag.name, (tag.name, ""))
        met.setdefault(name, layers.met.get(name, Layer(name, "tag", {})))
    tagged = {
        key: jax.ShapeDtypeStruct(once.values[at].shape, once.values[at].dtype) for key, at in places.items()
    }
    return Traced(function, keys, tuple(met.values()), tagged, shapes)


def cotangent_shapes(definition: Definition, form: Form, values: Values) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the floating outputs where cotangents are asked for, without running the model."""
    if form.loss is not None or not form.backward:
        return ()
    found = jax.eval_shape(
        lambda values: objective(form, forward(definition, form, values, Layers())[0], values.targets), values
    )
    return tuple(one.shape for one in found)


def labelled(tags: Sequence[Tag], layers: Layers) -> list[TensorKey | None]:
    """Return the key of each evaluated tag: calls are counted in order, gradients belong to their value.

    A place in the code that is called several times has its gradients in the opposite order. Where some of
    them are missing, because a result is not used, which one belongs to which call cannot be told: None.
    """
    calls: Counter[tuple[str, str]] = Counter()
    values: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    gradients: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    labels: list[TensorKey | None] = [None] * len(tags)
    for at, tag in enumerate(tags):
        if tag.gradient:
            gradients[tag.name, tag.call].append(at)
            continue
        layer, output = layers.tags.get(tag.name, (tag.name, ""))
        calls[layer, output] += 1
        number = calls[layer, output]
        name = f"{layer}#{number}{output}" if number > 1 else f"{layer}{output}"
        values[tag.name, tag.call].append(name)
        labels[at] = TensorKey(Role.LAYER, name)
    for place, found in gradients.items():
        if len(found) == len(values[place]):
            for at, name in zip(found, reversed(values[place]), strict=True):
                labels[at] = TensorKey(Role.LAYER_GRADIENT, name)
    return labels
