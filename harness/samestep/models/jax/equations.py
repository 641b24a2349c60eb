"""A jaxpr followed equation by equation: what each one gives is up to the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend import core

from samestep.models.jax.trees import Array

#: From an equation, the values of its operands and the jaxpr that it stands in to its results.
Each = Callable[[Any, list[Array], Any], list[Array]]

#: Where primitives that only call another jaxpr keep it.
_CALLED = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def called_by(equation: Any) -> Any:
    """Return the jaxpr that an equation only calls."""
    return next(equation.params[name] for name in _CALLED if name in equation.params)


def follow(closed: Any, arguments: Sequence[Array], each: Each) -> list[Array]:
    """Return the results of a jaxpr, closed or not, of which ``each`` computes every equation."""
    jaxpr, constants = (closed.jaxpr, closed.consts) if isinstance(closed, core.ClosedJaxpr) else (closed, ())
    values: dict[Any, Array] = dict(zip(jaxpr.constvars, constants, strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))

    def read(atom: Any) -> Array:
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in jaxpr.eqns:
        results = each(equation, [read(atom) for atom in equation.invars], jaxpr)
        values.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def as_it_is(equation: Any, inputs: list[Array], jaxpr: Any) -> list[Array]:
    """Return the results of one equation as it is, with the user's place in the code."""
    names = [atom for atom in equation.invars if not isinstance(atom, core.Literal)]
    values = [
        x for atom, x in zip(equation.invars, inputs, strict=True) if not isinstance(atom, core.Literal)
    ]
    alone = jaxpr.replace(
        constvars=[], invars=names, outvars=equation.outvars, eqns=[equation], effects=equation.effects
    )
    return list(jax.core.eval_jaxpr(alone, (), *values))
