"""What a JAX model computes on the way to its outputs: every floating value, in the order of the operations.

A model that names no layers is followed through its jaxpr, jitted functions included; loops, branches and
functions with derivatives of their own are one operation each. A value can be made a layer under any name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax

from samestep.agreement.arithmetic.jaxpr.operation import Origin
from samestep.models.jax.definition import Apply, Call, Definition
from samestep.models.jax.equations import as_it_is, called_by, follow
from samestep.models.jax.trees import Array, Arrays, is_array, is_floating
from samestep.models.subject import Layer

#: Primitives that are followed inside: they only call another jaxpr.
FOLLOWED = ("jit", "pjit", "closed_call", "core_call")

#: From a floating value and where it comes from to what goes on in its place.
Visit = Callable[[Origin, Array], Array]


def values_on_the_way(definition: Definition, call: Call) -> list[tuple[str, Array]]:
    """Return every floating value of one call, operation by operation, each with its place in the code."""
    found: list[tuple[str, Array]] = []

    def see(origin: Origin, value: Array) -> Array:
        found.append((origin.place, value))
        return value

    _followed(definition.apply, call, see)
    return found


def with_layers(definition: Definition, layers: Mapping[int, Layer]) -> Definition:
    """Return the same model with the values of these numbers as the outputs of ``layers``."""

    def apply(call: Call) -> tuple[Any, Arrays]:
        numbers = itertools.count()

        def see(origin: Origin, value: Array) -> Array:
            number = next(numbers)
            return call.layers.mark(layers[number], value) if number in layers else value

        return _followed(definition.apply, call, see)

    return replace(definition, apply=apply)


def _followed(apply: Apply, call: Call, see: Visit) -> tuple[Any, Arrays]:
    """What ``apply`` returns, with ``see`` for each floating value of its jaxpr."""
    given = (call.parameters, call.state, call.carried, call.inputs, call.keywords)
    leaves, structure = jax.tree_util.tree_flatten(given)
    arrays = [i for i, leaf in enumerate(leaves) if is_array(leaf)]

    def plain(values: Sequence[Array]) -> tuple[Any, Arrays]:
        full = [*leaves]
        for place, value in zip(arrays, values, strict=True):
            full[place] = value
        parameters, state, carried, inputs, keywords = jax.tree_util.tree_unflatten(structure, full)
        return apply(Call(parameters, state, carried, inputs, keywords, call.layers))

    values = [leaves[i] for i in arrays]
    closed, shapes = jax.make_jaxpr(plain, return_shape=True)(values)
    results = _walk(closed, values, see, ())
    returned: tuple[Any, Arrays] = jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(shapes), results)
    return returned


def _walk(closed: Any, arguments: Sequence[Array], see: Visit, callers: tuple[Any, ...]) -> list[Array]:
    """The results of a jaxpr and of what it calls, with ``see`` for each floating value."""

    def each(equation: Any, inputs: list[Array], jaxpr: Any) -> list[Array]:
        if equation.primitive.name in FOLLOWED:
            return _walk(called_by(equation), inputs, see, (*callers, equation))
        origin = Origin(equation, callers)
        made = as_it_is(equation, inputs, jaxpr)
        return [see(origin, one) if is_floating(one) else one for one in made]

    return follow(closed, arguments, each)
