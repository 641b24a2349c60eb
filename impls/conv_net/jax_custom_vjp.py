"""JAX: custom_vjp, a BatchNorm that brings its own backward pass: a formula, not a chain of steps."""

from functools import partial

import jax
import jax.numpy as jnp

from .jax_grad import EPS, adopt, cross_entropy, export, forward, in_training, positions, renewed, weights

__all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]

READ_AFTER = "jax_grad"


@jax.custom_vjp
def batch_norm(conv, scale, shift):
    return batch_norm_forward(conv, scale, shift)[0]


def batch_norm_forward(conv, scale, shift):
    mean, var = conv.mean(axis=(0, 1, 2)), conv.var(axis=(0, 1, 2))
    std = jnp.sqrt(var + EPS)
    normed = (conv - mean) / std
    return (normed * scale + shift, mean, var), (normed, scale / std)  # the second is kept for the way back


def batch_norm_backward(kept, grads):
    normed, slope = kept
    grad, _, _ = grads  # the running statistics are no part of the loss
    grad_scale, grad_shift = (grad * normed).sum(axis=(0, 1, 2)), grad.sum(axis=(0, 1, 2))
    means = (grad_shift + normed * grad_scale) / positions(grad)
    return (grad - means) * slope, grad_scale, grad_shift


batch_norm.defvjp(batch_norm_forward, batch_norm_backward)


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


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, learning_rate):
    loss, grads, batch = gradients(state, x, y)
    new = {name: state[name] - learning_rate * grad for name, grad in grads.items()}
    return state | renewed(state, batch) | new, loss
