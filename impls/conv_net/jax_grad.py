"""JAX: grad derives the backward pass; what a BatchNorm saw of the batch comes out beside the loss."""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from .jax_manual import EPS, MOMENTUM, adopt, export, positions

READ_AFTER = "jax_manual"

IMAGES = ("NHWC", "HWIO", "NHWC")  # the axes of images, kernels and results
WINDOWS = {
    "window_dimensions": (1, 3, 3, 1),
    "window_strides": (1, 2, 2, 1),
    "padding": ((0, 0), (1, 1), (1, 1), (0, 0)),
}


def weights(state):
    return {name: p for name, p in state.items() if not name.startswith(("mean", "var", "adam"))}


def convolution(x, kernel):
    padding = ((1, 1), (1, 1))  # "SAME" would add a row and a column on one side alone
    return lax.conv_general_dilated(x, kernel, (2, 2), padding, dimension_numbers=IMAGES)


def average_pool(x):
    counts = lax.reduce_window(jnp.ones_like(x[:1, :, :, :1]), 0.0, lax.add, **WINDOWS)
    return lax.reduce_window(x, 0.0, lax.add, **WINDOWS) / counts


def batch_norm(conv, scale, shift):
    mean, var = conv.mean(axis=(0, 1, 2)), conv.var(axis=(0, 1, 2))
    return (conv - mean) / jnp.sqrt(var + EPS) * scale + shift, mean, var


def classify(params, a):
    return average_pool(a).reshape(len(a), -1) @ params["w"] + params["b"]


@jax.jit
def forward(state, x):
    a = x
    for i in (1, 2):
        conv = convolution(a, state[f"kernel{i}"])
        normed = (conv - state[f"mean{i}"]) / jnp.sqrt(state[f"var{i}"] + EPS)
        a = jax.nn.relu(normed * state[f"scale{i}"] + state[f"shift{i}"])  # jnp.maximum: 1/2 at 0
    return classify(state, a)


def in_training(params, x, batch_norm):
    """The logits, and the mean and the variance of the batch as the running statistics take them."""
    a, batch = x, {}
    for i in (1, 2):
        conv = convolution(a, params[f"kernel{i}"])
        h, mean, var = batch_norm(conv, params[f"scale{i}"], params[f"shift{i}"])
        n = positions(conv)
        batch[f"mean{i}"], batch[f"var{i}"] = mean, var * (n / (n - 1))
        a = jax.nn.relu(h)
    return classify(params, a), batch


def cross_entropy(logits, y):
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def loss_fn(params, x, y):
    logits, batch = in_training(params, x, batch_norm)
    return cross_entropy(logits, y), batch


def gradients(state, x, y):
    (loss, batch), grads = jax.value_and_grad(loss_fn, has_aux=True)(weights(state), x, y)
    return loss, grads, batch


@jax.jit
def loss_and_grads(state, x, y):
    loss, grads, _ = gradients(state, x, y)
    return loss, grads


def renewed(state, batch):
    return {name: (1 - MOMENTUM) * state[name] + MOMENTUM * value for name, value in batch.items()}


@partial(jax.jit, donate_argnames="state")  # the new weights take the place of the old
def train_step(state, x, y, learning_rate):
    loss, grads, batch = gradients(state, x, y)
    new = {name: state[name] - learning_rate * grad for name, grad in grads.items()}
    return state | renewed(state, batch) | new, loss


# The betas are compiled in: as float32 numbers they would lose half of the digits of 1 - beta2
@partial(jax.jit, donate_argnames="state", static_argnames=("beta1", "beta2"))
def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads, batch = gradients(state, x, y)
    state, step = state | renewed(state, batch), state.get("adam_step", jnp.zeros((), int)) + 1
    state["adam_step"] = step
    correction1 = -jnp.expm1(step * math.log(beta1))  # 1 - beta1**step, with all of its digits
    correction2 = -jnp.expm1(step * math.log(beta2))
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", jnp.zeros_like(grad)) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", jnp.zeros_like(grad)) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / correction1, v / correction2
        state[name] -= learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state, loss
