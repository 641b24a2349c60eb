"""JAX: grad, which returns the derivative of a function as a function."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from samestep.conventions.answers import ONE_NAN, Numbers, or_word


def slope(f: Callable[[jax.Array], jax.Array], at: Numbers = 0.0) -> jax.Array:
    """Return the derivative of ``f``, a function to a scalar, at ``at``, in the shape of ``at``."""
    return jax.grad(f)(jnp.array(at))


def relu() -> jax.Array:
    return slope(jax.nn.relu)


def relu_as_clip() -> jax.Array:
    return slope(lambda x: jnp.clip(x, 0))


def relu_as_maximum_x_0() -> jax.Array:
    return slope(lambda x: jnp.maximum(x, 0))


def relu_as_maximum_0_x() -> jax.Array:
    return slope(lambda x: jnp.maximum(0, x))


def relu_as_where() -> jax.Array:
    return slope(lambda x: jnp.where(x > 0, x, 0))


def relu_as_abs() -> jax.Array:
    return slope(lambda x: (x + jnp.abs(x)) / 2)


def relu_compiled() -> jax.Array:
    return jax.jit(jax.grad(jax.nn.relu))(0.0)


def leaky_relu() -> jax.Array:
    return slope(lambda x: jax.nn.leaky_relu(x, 0.1))


def relu6_at_6() -> jax.Array:
    return slope(jax.nn.relu6, at=6.0)


def clip_at_bound() -> jax.Array:
    return slope(lambda x: jnp.clip(x, -1, 1), at=1.0)


def absolute() -> jax.Array:
    return slope(jnp.abs)


def norm() -> jax.Array:
    return slope(jnp.linalg.norm, at=[0.0, 0.0])


def sqrt() -> jax.Array:
    return slope(jnp.sqrt)


def power_of_zero() -> jax.Array:
    return slope(lambda y: jnp.power(0.0, y), at=2.0)


def arctan2() -> jax.Array:
    return slope(lambda y: jnp.arctan2(y, 0.0))


def product_with_zero() -> jax.Array:
    return slope(jnp.prod, at=[0.0, 2.0, 3.0])


def rounding() -> jax.Array:
    return slope(jnp.round, at=1.2)


def maximum_of_both() -> jax.Array:
    return slope(lambda pair: jnp.maximum(pair[0], pair[1]), at=[1.0, 1.0])


def max_of_all() -> jax.Array:
    return slope(jnp.max, at=[1.0, 1.0])


def max_over_axis() -> jax.Array:
    return slope(lambda x: jnp.max(x, axis=0), at=[1.0, 1.0])


def max_pool() -> jax.Array:
    return slope(
        lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (2,), (2,), "VALID").sum(), at=[1.0, 1.0]
    )


def sort() -> jax.Array:
    return slope(lambda x: (jnp.sort(x) * jnp.array([1.0, 2.0])).sum(), at=[1.0, 1.0])


def where_sqrt() -> jax.Array:
    return slope(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0))


def where_log() -> jax.Array:
    return slope(lambda x: jnp.where(x > 0, jnp.log(x), 0))


def where_division() -> jax.Array:
    return slope(lambda x: jnp.where(x != 0, 1 / x, 0))


def logsumexp_of_nothing() -> jax.Array:
    return slope(jax.nn.logsumexp, at=[-jnp.inf, -jnp.inf])


def relu_of_nan() -> jax.Array:
    return slope(jax.nn.relu, at=jnp.nan)


def relu_of_nan_as_clip() -> jax.Array:
    return slope(lambda x: jnp.clip(x, 0), at=jnp.nan)


def relu_of_nan_as_maximum() -> jax.Array:
    return slope(lambda x: jnp.maximum(x, 0), at=jnp.nan)


def relu_of_nan_as_where() -> jax.Array:
    return slope(lambda x: jnp.where(x > 0, x, 0), at=jnp.nan)


def nan_at_closed_gate() -> jax.Array:
    return slope(lambda x: jax.nn.relu(x) * jnp.nan, at=-1.0)


def nan_at_closed_gate_as_where() -> jax.Array:
    return slope(lambda x: jnp.where(x > 0, x, 0) * jnp.nan, at=-1.0)


def nan_at_closed_gate_compiled() -> jax.Array:
    return jax.jit(nan_at_closed_gate)()


def nan_in_x() -> jax.Array:
    x = jnp.array(ONE_NAN)
    return slope(lambda w1: jnp.square(jax.nn.relu(x @ w1)).sum(), at=jnp.ones((2, 1)))[:, 0]


def nan_in_x_compiled() -> jax.Array:
    return jax.jit(nan_in_x)()


def of_vector() -> jax.Array | str:
    return or_word("raises", TypeError, lambda: slope(lambda x: x * x, at=[1.0, 2.0]))


def of_unused() -> jax.Array:
    return slope(lambda x: jnp.array(1.0))


def of_integer() -> jax.Array | str:
    return or_word("raises", TypeError, lambda: slope(lambda x: x * x, at=3))


def twice() -> jax.Array:
    f = jax.grad(lambda x: 3 * x)
    return [f(1.0) for _ in range(2)][-1]
