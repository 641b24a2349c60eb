"""A traced function with tags made into one without, which returns what was tagged.

The result is a plain computation with named results: XLA compiles it, and an engine interprets it, with no
need to know of tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core

from samestep.agreement.arithmetic.jaxpr.tags import TAG, TANGENT
from samestep.models.jax.equations import as_it_is, called_by, follow
from samestep.models.jax.trees import Array

#: Primitives that only call another jaxpr.
CALLING = ("jit", "pjit", "closed_call", "core_call", "checkpoint", "remat", "remat2", "custom_jvp_call",
           "custom_vjp_call", "custom_vjp_call_jaxpr")  # fmt: skip

#: What vmap makes of collectives over its own axis: sums over an axis of the array.
OVER_AXES: dict[str, Callable[..., Array]] = {"psum": jnp.sum, "pmax": jnp.max, "pmin": jnp.min}

#: Up to N turns of a scan are calls of its layers, as in a stack of blocks. The results of a longer
#: one, such as a recurrent net's, stay one array: XLA takes seconds for a thousand slices.
MOST_TURNS = 32


class Kind(Enum):
    """What is tagged: a layer's value, the same computed again by `jax.checkpoint`, or the gradient there."""

    VALUE = "value"
    AGAIN = "again"
    GRADIENT = "gradient"


@dataclass(frozen=True)
class Tag:
    """One evaluation of a tag: at the traced ``call`` of `tag`, in these ``turns`` of the scans around it."""

    name: str
    call: int
    kind: Kind
    turns: tuple[int, ...] = ()


#: What a tag goes on from in place of its own value: the given one, everywhere or only ``where`` it is True.
Given = tuple[Array | None, Array]


@dataclass
class Seen:
    """The tags of one run in the order of their evaluation, with values; ``forced`` by that order."""

    forced: Mapping[int, Given] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    values: list[Array | None] = field(default_factory=list)

    def add(self, tag: Tag, value: Array) -> Array:
        """Note ``value`` and return what the run goes on with."""
        self.tags.append(tag)
        self.values.append(None if tag.kind is Kind.AGAIN else value)
        where, given = self.forced.get(len(self.tags) - 1, (None, value))
        return given if where is None else jnp.where(where, given, value)


def jaxprs_of(equation: Any) -> list[Any]:
    """Return all jaxprs among the parameters of ``equation``."""
    found = []
    for value in equation.params.values():
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, core.ClosedJaxpr):
                found.append(item.jaxpr)
            elif isinstance(item, core.Jaxpr):
                found.append(item)
    return found


def has_tags(equation: Any) -> bool:
    if equation.primitive in (TAG, TANGENT):
        return True
    return any(has_tags(inner) for jaxpr in jaxprs_of(equation) for inner in jaxpr.eqns)


def evaluate(
    closed: Any, arguments: Sequence[Array], seen: Seen | None, recomputed: bool = False
) -> list[Array]:
    """Return the results of ``closed``, with what is tagged noted in ``seen``, or not at all without it.

    Inside a `jax.checkpoint` that is being differentiated, values are ``recomputed``.
    """
    return follow(
        closed,
        arguments,
        lambda equation, inputs, jaxpr: _equation(equation, inputs, jaxpr, seen, recomputed),
    )


def _equation(
    equation: Any, inputs: list[Array], jaxpr: Any, seen: Seen | None, recomputed: bool
) -> list[Array]:
    primitive, params = equation.primitive, equation.params
    if primitive is TANGENT:
        return inputs
    if primitive is TAG:
        kind = Kind.GRADIENT if params["gradient"] else Kind.AGAIN if recomputed else Kind.VALUE
        return [seen.add(Tag(params["name"], params["call"], kind), inputs[0]) if seen else inputs[0]]
    if primitive.name in OVER_AXES and all(isinstance(axis, int) for axis in params["axes"]):
        return [OVER_AXES[primitive.name](x, axis=params["axes"]) for x in inputs]
    if not has_tags(equation):
        return as_it_is(equation, inputs, jaxpr)
    if primitive.name in CALLING:
        recomputed = recomputed or bool(params.get("differentiated"))
        return evaluate(called_by(equation), inputs, seen, recomputed)
    if primitive.name == "scan":
        return _scan(params, inputs, seen, recomputed)
    if primitive.name == "while":
        return _while(params, inputs)
    if primitive.name == "cond":
        branches = [lambda *xs, branch=branch: evaluate(branch, xs, None) for branch in params["branches"]]
        return list(lax.switch(inputs[0], branches, *inputs[1:]))
    return as_it_is(equation, inputs, jaxpr)


def _while(params: Mapping[str, Any], inputs: list[Array]) -> list[Array]:
    """A loop whose number of turns is not known: what is tagged inside cannot be returned."""
    first, second = params["cond_nconsts"], params["body_nconsts"]
    of_cond, of_body, carry = inputs[:first], inputs[first : first + second], inputs[first + second :]
    return list(
        lax.while_loop(
            lambda xs: evaluate(params["cond_jaxpr"], [*of_cond, *xs], None)[0],
            lambda xs: tuple(evaluate(params["body_jaxpr"], [*of_body, *xs], None)),
            tuple(carry),
        )
    )


def _scan(params: Mapping[str, Any], inputs: list[Array], seen: Seen | None, recomputed: bool) -> list[Array]:
    """A scan: each turn's tags are calls of their own, in the order in which the turns are taken."""
    fixed, body_jaxpr = params["num_consts"], params["jaxpr"]
    moving = fixed + params["num_carry"]
    turns = range(params["length"])
    order = list(reversed(turns) if params["reverse"] else turns)
    forced = _forced_turns(seen, body_jaxpr, order, recomputed) if seen and seen.forced else {}
    tags: list[Tag] = []

    def body(carry: list[Array], xs: tuple[list[Array], dict[int, Given]]) -> tuple[list[Array], Any]:
        rows, given = xs
        inner = Seen(given) if seen else None
        results = evaluate(body_jaxpr, [*inputs[:fixed], *carry, *rows], inner, recomputed)
        tags[:] = inner.tags if inner else []
        return results[: len(carry)], (results[len(carry) :], inner.values if inner else [])

    carry, (rows, stacked) = lax.scan(
        body, inputs[fixed:moving], (inputs[moving:], forced), length=len(turns), reverse=params["reverse"]
    )
    if seen:
        _note_turns(seen, tags, stacked, order)
    return [*carry, *rows]


def _note_turns(seen: Seen, tags: Sequence[Tag], stacked: Sequence[Array | None], order: list[int]) -> None:
    """Note each turn's tags as evaluations of their own; those of a long scan once, turns as first axis."""
    for turn in order if len(order) <= MOST_TURNS else (slice(None),):
        for tag, values in zip(tags, stacked, strict=True):
            place = tag if isinstance(turn, slice) else replace(tag, turns=(turn, *tag.turns))
            seen.add(place, None if values is None else values[turn])


def _forced_turns(seen: Seen, body: Any, order: list[int], recomputed: bool) -> dict[int, Given]:
    """Return for the tags of one turn what each turn is given, stacked over turns."""
    once = Seen()
    jax.eval_shape(lambda *xs: evaluate(body, xs, once, recomputed), *body.in_avals)
    start, count = len(seen.tags), len(once.tags)
    if len(order) > MOST_TURNS:
        whole = {tag: seen.forced[start + tag] for tag in range(count) if start + tag in seen.forced}
        return {tag: (jnp.ones(len(order), bool), given) for tag, (_, given) in whole.items()}
    stacked: dict[int, Given] = {}
    for tag in range(count):
        given = {turn: seen.forced.get(start + k * count + tag) for k, turn in enumerate(order)}
        some = next((value for value in given.values() if value is not None), None)
        if some is None:
            continue
        rows = [given[turn] or (jnp.asarray(False), jnp.zeros_like(some[1])) for turn in sorted(given)]
        where = jnp.stack([jnp.asarray(True) if row[0] is None else row[0] for row in rows])
        stacked[tag] = (where, jnp.stack([row[1] for row in rows]))
    return stacked
