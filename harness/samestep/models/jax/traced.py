"""A model's step, traced once, its tags turned into results: XLA compiles it, an engine follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from samestep.models.jax.definition import Definition, Layers
from samestep.models.jax.labels import labelled, layers_met
from samestep.models.jax.step import Form, Values, forward, objective, step
from samestep.models.jax.tagged_values import Seen, evaluate
from samestep.models.jax.trees import Array
from samestep.models.subject import Layer
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

    def named(self, values: Values, forced: Sequence[Array]) -> dict[TensorKey, Array]:
        """Return the results by key."""
        return dict(zip(self.keys, self.function(values, forced), strict=True))


def trace(
    definition: Definition,
    form: Form,
    values: Values,
    forced: Sequence[TensorKey] = (),
    inputs_of: frozenset[str] = frozenset(),
) -> Traced:
    """Return the step of ``definition`` for values of these shapes, going on from given values at ``forced``.

    ``inputs_of`` are the layers whose inputs it returns too. Raises `ModelError` for a key of ``forced`` that
    is not among the layers.
    """
    layers, seen = Layers(inputs_of), Seen()
    results: list[TensorKey] = []
    shapes = cotangent_shapes(definition, form, values)
    values = replace(values, cotangents=tuple(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes))

    def plain(values: Values) -> list[Array]:
        named = step(definition, form, values, layers)
        results[:] = list(named)
        return list(named.values())

    def tagged(*leaves: Array) -> list[Array | None]:
        evaluate(closed, leaves, seen)
        return seen.values

    closed = jax.make_jaxpr(plain)(values)
    found = jax.eval_shape(tagged, *closed.in_avals)
    labels = labelled(seen.tags, layers)
    going_on = [labels.forced(key) for key in forced]
    middle = [key for key in results if key.role in (Role.OUTPUT, Role.LOSS, Role.STATE)]
    last = [key for key in results if key not in middle]
    first = (*labels.of_role(Role.LAYER_INPUT), *labels.of_role(Role.LAYER))
    keys = (*first, *middle, *labels.of_role(Role.LAYER_GRADIENT), *last)

    def function(values: Values, given: Sequence[Array]) -> list[Array]:
        replaced = zip(going_on, given, strict=True)
        seen = Seen({at: (None, x) for places, x in replaced for at in places})
        own = evaluate(closed, jax.tree_util.tree_leaves(values), seen)
        named = dict(zip(results, own, strict=True))
        named.update({key: seen.values[at] for key, at in labels.places.items()})
        return [named[key] for key in keys]

    known = {key: found[at] for key, at in labels.places.items()}
    return Traced(function, keys, layers_met(seen.tags, layers), known, shapes)


def cotangent_shapes(definition: Definition, form: Form, values: Values) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the floating outputs where cotangents are asked for, without running the model."""
    if form.loss is not None or not form.backward:
        return ()
    found = jax.eval_shape(
        lambda values: objective(form, forward(definition, form, values, Layers())[0], values.targets), values
    )
    return tuple(one.shape for one in found)
