"""JAX, custom_vjp: each piece brings its own vector-Jacobian product by hand, and grad joins them."""

from functools import partial

import jax
import jax.numpy as jnp

from .jax_grad import adopt, export

READ_AFTER = "jax_grad"


@jax.custom_vjp
def sigmoid_layer(x, w, b):
    return jax.nn.sigmoid(x @ w + b)


def sigmoid_layer_fwd(x, w, b):
    out = sigmoid_layer(x, w, b)
    return out, (x, w, out)


def sigmoid_layer_bwd(saved, grad_out):
    x, w, out = saved
    grad_in = grad_out * out * (1 - out)
    # One for each argument, asked for or not: what nobody uses, XLA never computes
    return grad_in @ w.T, x.T @ grad_in, grad_in.sum(axis=0)


sigmoid_layer.defvjp(sigmoid_layer_fwd, sigmoid_layer_bwd)


@jax.custom_vjp
def half_squared_error(y_pred, y):
    return 0.5 * jnp.square(y_pred - y).sum()


def half_squared_error_fwd(y_pred, y):
    return half_squared_error(y_pred, y), y_pred - y


def half_squared_error_bwd(error, grad_loss):
    return grad_loss * error, -grad_loss * error


half_squared_error.defvjp(half_squared_error_fwd, half_squared_error_bwd)


@jax.jit
def forward(state, x, b1, b2):
    h_sigmoid = sigmoid_layer(x, state["w1"], b1)
    return sigmoid_layer(h_sigmoid, state["w2"], b2)


def loss_fn(state, x, y, b1, b2):
    return half_squared_error(forward(state, x, b1, b2), y)


loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    return jax.tree.map(lambda w, g: w - learning_rate * g, state, grads), loss


@partial(jax.jit, static_argnames="steps", donate_argnames="state")
def train(state, x, y, b1, b2, learning_rate, steps):
    def step(state, _):
        return train_step(state, x, y, b1, b2, learning_rate)

    return jax.lax.scan(step, state, length=steps)
