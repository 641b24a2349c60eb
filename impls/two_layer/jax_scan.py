"""JAX: scan compiles the loop too, so that many steps are one call."""

from functools import partial

import jax

from .jax_grad import adopt, export, forward, loss_and_grads, train_step

READ_AFTER = "jax_grad"


@partial(jax.jit, static_argnames="steps", donate_argnames="state")
def train(state, x, y, learning_rate, steps):
    def step(state, _):
        return train_step(state, x, y, learning_rate)

    return jax.lax.scan(step, state, length=steps)
