"""JAX: grad makes a function of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from samestep.conventions.answers import ONE_NAN, or_word


def slope(f: Callable[[Any], Any], at: Any = 0.0) -> Any:
    return jax.grad(f)(jnp.array(at))


def relu() -> Any:
    return slope(jax.nn.relu)


def relu_as_clip() -> Any:
    return slope(lambda x: jnp.clip(x, 0))


def relu_as_maximum_x_0() -> Any:
    return slope(lambda x: jnp.maximum(x, 0))


def relu_as_maximum_0_x() -> Any:
    return slope(lambda x: jnp.maximum(0, x))


def relu_as_where() -> Any:
    return slope(lambda x: jnp.where(x > 0, x, 0))


def relu_as_abs() -> Any:
    return slope(lambda x: (x + jnp.abs(x)) / 2)


def relu_compiled() -> Any:
    return jax.jit(jax.grad(jax.nn.relu))(0.0)


def leaky_relu() -> Any:
    return slope(lambda x: jax.nn.leaky_relu(x, 0.1))


def relu6_at_6() -> Any:
    return slope(jax.nn.relu6, at=6.0)


def clip_at_bound() -> Any:
    return slope(lambda x: jnp.clip(x, -1, 1), at=1.0)


def absolute() -> Any:
    return slope(jnp.abs)


def norm() -> Any:
    return slope(jnp.linalg.norm, at=[0.0, 0.0])


def sqrt() -> Any:
    return slope(jnp.sqrt)


def power_of_zero() -> Any:
    return slope(lambda y: jnp.power(0.0, y), at=2.0)


def arctan2() -> Any:
    return slope(lambda y: jnp.arctan2(y, 0.0))


def product_with_zero() -> Any:
    return slope(jnp.prod, at=[0.0, 2.0, 3.0])


def rounding() -> Any:
    return slope(jnp.round, at=1.2)


def maximum_of_both() -> Any:
    return slope(lambda pair: jnp.maximum(pair[0], pair[1]), at=[1.0, 1.0])


def max_of_all() -> Any:
    return slope(jnp.max, at=[1.0, 1.0])


def max_over_axis() -> Any:
    return slope(lambda x: jnp.max(x, axis=0), at=[1.0, 1.0])


def max_pool() -> Any:
    return slope(
        lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (2,), (2,), "VALID").sum(), at=[1.0, 1.0]
    )


def sort() -> Any:
    return slope(lambda x: (jnp.sort(x) * jnp.array([1.0, 2.0])).sum(), at=[1.0, 1.0])


def where_sqrt() -> Any:
    return slope(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0))


def where_log() -> Any:
    return slope(lambda x: jnp.where(x > 0, jnp.log(x), 0))


def where_division() -> Any:
    return slope(lambda x: jnp.where(x != 0, 1 / x, 0))


def logsumexp_of_nothing() -> Any:
    return slope(jax.nn.logsumexp, at=[-jnp.inf, -jnp.inf])


def relu_of_nan() -> Any:
    return slope(jax.nn.relu, at=jnp.nan)


def relu_of_nan_as_clip() -> Any:
    return slope(lambda x: jnp.clip(x, 0), at=jnp.nan)


def relu_of_nan_as_maximum() -> Any:
    return slope(lambda x: jnp.maximum(x, 0), at=jnp.nan)


def relu_of_nan_as_where() -> Any:
    return slope(lambda x: jnp.where(x > 0, x, 0), at=jnp.nan)


def nan_at_closed_gate() -> Any:
    return slope(lambda x: jax.nn.relu(x) * jnp.nan, at=-1.0)


def nan_at_closed_gate_as_where() -> Any:
    return slope(lambda x: jnp.where(x > 0, x, 0) * jnp.nan, at=-1.0)


def nan_at_closed_gate_compiled() -> Any:
    return jax.jit(nan_at_closed_gate)()


def nan_in_x() -> Any:
    x = jnp.array(ONE_NAN)
    return slope(lambda w1: jnp.square(jax.nn.relu(x @ w1)).sum(), at=jnp.ones((2, 1)))[:, 0]


def nan_in_x_compiled() -> Any:
    return jax.jit(nan_in_x)()


def of_vector() -> Any:
    return or_word("raises", TypeError, lambda: slope(lambda x: x * x, at=[1.0, 2.0]))


def of_unused() -> Any:
    return slope(lambda x: jnp.array(1.0))


def of_integer() -> Any:
    return or_word("raises", TypeError, lambda: slope(lambda x: x * x, at=3))


def twice() -> Any:
    f = jax.grad(lambda x: 3 * x)
    return [f(1.0) for _ in range(2)][-1]
