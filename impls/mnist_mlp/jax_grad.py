"""JAX: functions that transform functions. grad derives the backward pass, jit compiles the step."""

import math
from functools import partial

import jax
import jax.numpy as jnp

from .jax_manual import adopt, depth, export, normalise

READ_AFTER = "jax_manual"


def weights(state):
    return {name: value for name, value in state.items() if name[0] in "wb"}


@jax.jit
def forward(state, x):
    a = x
    for i in range(1, depth(state)):
        a = jax.nn.relu(a @ state[f"w{i}"] + state[f"b{i}"])  # jnp.maximum has derivative 1/2 at 0
    return a @ state[f"w{depth(state)}"] + state[f"b{depth(state)}"]


def cross_entropy(logits, y):
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def loss_fn(params, x, y):
    return cross_entropy(forward(params, x), y)


@jax.jit
def loss_and_grads(state, x, y):
    return jax.value_and_grad(loss_fn)(weights(state), x, y)


@partial(jax.jit, donate_argnames="state")  # the new weights take the place of the old
def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}, loss


@partial(jax.jit, donate_argnames="state")
def momentum_step(state, x, y, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y)
    state = dict(state)
    for name, grad in grads.items():
        velocity = momentum * state.get(f"momentum/{name}", jnp.zeros_like(grad)) + grad
        state[f"momentum/{name}"] = velocity
        state[name] -= learning_rate * velocity
    return state, loss


# The betas are compiled in: as float32 numbers they would lose half of the digits of 1 - beta2
@partial(jax.jit, donate_argnames="state", static_argnames=("beta1", "beta2"))
def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    state, step = dict(state), state.get("adam_step", jnp.zeros((), int)) + 1
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


@partial(jax.jit, donate_argnames="state")
def batch_step(state, images, labels, batch, learning_rate, mean, std):
    x = normalise(images[batch], state, mean, std)
    return train_step(state, x, labels[batch], learning_rate)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:
        state, loss = batch_step(state, images, labels, batch, learning_rate, mean, std)
        losses.append(loss)
    return state, jnp.stack(losses)


@jax.jit
def evaluate(state, images, labels, mean, std):
    logits = forward(state, normalise(images, state, mean, std))
    return cross_entropy(logits, labels), (logits.argmax(axis=1) == labels).sum()
