"""Is a function the same when it is traced again? A counter in a closure is a constant of each trace."""

from __future__ import annotations

import jax

from samestep.agreement.arithmetic.jaxpr.signature import signature
from samestep.models.jax.definition import Definition, Layers
from samestep.models.jax.step import Form, Values, forward


def traces_alike(definition: Definition, form: Form, values: Values) -> bool:
    """Return whether two traces of a model make the same operations with the same numbers."""
    one, other = (_signature(definition, form, values) for _ in range(2))
    return one == other


def _signature(definition: Definition, form: Form, values: Values) -> str:
    # A function of its own each time: JAX keeps the traces of functions that it knows.
    closed = jax.make_jaxpr(lambda values: forward(definition, form, values, Layers()))(values)
    return signature(closed, (), "")
