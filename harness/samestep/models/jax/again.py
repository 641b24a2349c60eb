"""Is a function the same when it is traced again? A counter in a closure is a constant of each trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.extend import core

from samestep.agreement.arithmetic.jaxpr.tags import TAG, TANGENT
from samestep.models.jax.definition import Definition, Layers
from samestep.models.jax.step import Form, Values, forward
from samestep.models.jax.trees import is_key


def traces_alike(definition: Definition, form: Form, values: Values) -> bool:
    """Return whether two traces of a model make the same operations with the same numbers."""
    one, other = (_traced(definition, form, values) for _ in range(2))
    return [*_outline(one)] == [*_outline(other)]


def _traced(definition: Definition, form: Form, values: Values) -> Any:
    # A function of its own each time: JAX keeps the traces of functions that it knows.
    return jax.make_jaxpr(lambda values: forward(definition, form, values, Layers()))(values)


def _outline(closed: Any) -> Iterator[object]:
    """The operations, their shapes, the plain settings and the numbers of a trace."""
    for constant in closed.consts:
        if not is_key(constant):
            array = np.asarray(constant)
            yield str(array.dtype), array.shape, array.tobytes()
    yield from _operations(closed.jaxpr)


def _operations(jaxpr: Any) -> Iterator[object]:
    for equation in jaxpr.eqns:
        yield equation.primitive.name, *(str(out.aval) for out in equation.outvars)
        yield from (repr(atom.val) for atom in equation.invars if isinstance(atom, core.Literal))
        for name, value in equation.params.items():
            if equation.primitive not in (TAG, TANGENT) or name != "call":  # they count calls
                yield from _setting(name, value)


def _setting(name: str, value: Any) -> Iterator[object]:
    if isinstance(value, core.ClosedJaxpr):
        yield from _outline(value)
    elif isinstance(value, core.Jaxpr):
        yield from _operations(value)
    elif isinstance(value, tuple):
        for part in value:
            yield from _setting(name, part)
    elif isinstance(value, (bool, int, float, str)):
        yield name, value
