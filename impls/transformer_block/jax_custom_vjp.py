"""JAX: custom_vjp, an attention that computes its probabilities again on the way back.

jax.grad keeps the (t, t) probabilities until the backward pass. Here one number is kept for each position,
log(sum(exp(scores))): exp(scores - that) are the probabilities again. And sum(grad_p * p), which the
softmax's gradient takes from each row, is sum(grad * mixed), of two vectors that are there.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp

from .jax_attention import adopt, cross_entropy, export, network, weights

__all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]

READ_AFTER = "jax_attention"


def heads_of(qkv):
    """(n, t, 3, heads, head_width) -> (3, n, heads, t, head_width): matrices of queries, keys and values."""
    return qkv.transpose(2, 0, 3, 1, 4)


def scores_of(q, k, mask):
    return jnp.where(mask, q @ k.mT / math.sqrt(q.shape[-1]), -jnp.inf)


@jax.custom_vjp
def attention(qkv, mask):
    return attention_forward(qkv, mask)[0]


def attention_forward(qkv, mask):
    q, k, v = heads_of(qkv)
    scores = scores_of(q, k, mask)
    log_sums = jax.nn.logsumexp(scores, axis=-1, keepdims=True)
    mixed = jnp.exp(scores - log_sums) @ v
    return mixed.transpose(0, 2, 1, 3), (qkv, mask, log_sums, mixed)  # the second is kept for the way back


def attention_backward(kept, grad):
    qkv, mask, log_sums, mixed = kept
    (q, k, v), grad = heads_of(qkv), grad.transpose(0, 2, 1, 3)
    p = jnp.exp(scores_of(q, k, mask) - log_sums)
    along = (grad * mixed).sum(axis=-1, keepdims=True)
    grad_scores = p * (grad @ v.mT - along) / math.sqrt(q.shape[-1])
    grads = jnp.stack([grad_scores @ k, grad_scores.mT @ q, p.mT @ grad])
    return grads.transpose(1, 3, 0, 2, 4), None  # a mask has no gradient


attention.defvjp(attention_forward, attention_backward)


@partial(jax.jit, static_argnames="tanh")
def forward(state, x, tanh):
    return network(state, x, tanh, attention)["logits"]


def loss_fn(params, x, y, tanh, smoothing):
    return cross_entropy(network(params, x, tanh, attention)["logits"], y, smoothing)


@partial(jax.jit, static_argnames="tanh")
def loss_and_grads(state, x, y, tanh, smoothing):
    return jax.value_and_grad(loss_fn)(weights(state), x, y, tanh, smoothing)


@partial(jax.jit, static_argnames="tanh", donate_argnames="state")
def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}, loss
