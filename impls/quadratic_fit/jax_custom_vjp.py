"""JAX, custom_vjp: the operation brings its own vector-Jacobian product, and grad uses it."""

from functools import partial

import jax
import jax.numpy as jnp

from .jax_grad import adopt, export

READ_AFTER = "jax_grad"


@jax.custom_vjp
def quadratic(w, x):
    return w * x**2


def quadratic_fwd(w, x):
    return quadratic(w, x), (w, x)


def quadratic_bwd(saved, grad_y_pred):
    w, x = saved
    # One for each argument, asked for or not: what nobody uses, XLA never computes
    return (grad_y_pred * x**2).sum(), grad_y_pred * 2 * w * x


quadratic.defvjp(quadratic_fwd, quadratic_bwd)


@jax.jit
def forward(state, x):
    return quadratic(state["w"], x)


def loss_fn(state, x, y):
    return 0.5 * jnp.square(forward(state, x) - y).mean()


loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return jax.tree.map(lambda p, g: p - learning_rate * g, state, grads), loss


@partial(jax.jit, static_argnames="steps", donate_argnames="state")
def train(state, x, y, learning_rate, steps):
    def step(state, _):
        return train_step(state, x, y, learning_rate)

    return jax.lax.scan(step, state, length=steps)
