"""JAX: scan compiles the loop too, so that an epoch is one call."""

from functools import partial

import jax

from .jax_grad import (
    adam_step,
    adopt,
    batch_step,
    evaluate,
    export,
    forward,
    loss_and_grads,
    momentum_step,
    train_step,
)

READ_AFTER = "jax_grad"


@partial(jax.jit, donate_argnames="state")
def train_epoch(state, images, labels, order, learning_rate, mean, std):
    def step(state, batch):
        return batch_step(state, images, labels, batch, learning_rate, mean, std)

    return jax.lax.scan(step, state, order)
