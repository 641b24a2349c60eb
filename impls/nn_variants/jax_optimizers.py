"""JAX, example_libraries.optimizers: an optimiser is three functions, and its state a tree of its own."""

from functools import partial

import jax
from jax.example_libraries import optimizers
from jax.example_libraries.optimizers import JoinPoint, pack_optimizer_state, unpack_optimizer_state

from .jax_grad import adopt, export, forward, loss_and_grads, remember, weights

READ_AFTER = "jax_grad"
SLOTS = {"momentum": ("momentum",), "adam": ("adam_m", "adam_v")}

# JAX calls these optimisers examples of how to write one; what people use is Optax.
# momentum keeps the rate out of its velocity, and adam corrects the second moment before it adds eps. Neither
# can be told the other way, so inner_momentum_train and adam_eps_hat_step are not here.


def packed(state, *slots):
    """The optimiser's own tree: at each weight's place the weight, and then what is remembered of it."""
    points = {}
    for name, w in weights(state).items():
        points[name] = JoinPoint((w, *(state[f"{slot}/{name}"] for slot in slots)) if slots else w)
    return pack_optimizer_state(points)


def unpacked(tree, *slots):
    state = {}
    for name, point in unpack_optimizer_state(tree).items():
        keys = name, *(f"{slot}/{name}" for slot in slots)
        state |= zip(keys, jax.tree.leaves(point.subtree), strict=True)
    return state


def one(optimizer, state, x, y, i, *slots):
    _, update, _ = optimizer
    loss, grads = loss_and_grads(state, x, y)
    return state | unpacked(update(i, grads, packed(state, *slots)), *slots), loss


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, learning_rate):
    return one(optimizers.sgd(learning_rate), state, x, y, 0)


# The betas are not compiled in: the library rounds them for its corrections, and the moments take the same
@partial(jax.jit, donate_argnames="state")
def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    state = remember(state, *SLOTS["adam"])
    step = state["adam_step"]  # the caller counts
    state, loss = one(optimizers.adam(learning_rate, beta1, beta2, eps), state, x, y, step, *SLOTS["adam"])
    return state | {"adam_step": step + 1}, loss


@partial(jax.jit, donate_argnames="state", static_argnames="steps")
def train(state, x, y, learning_rate, steps):
    optimizer = optimizers.sgd(learning_rate)
    return jax.lax.scan(lambda state, _: one(optimizer, state, x, y, 0), state, length=steps)


@partial(jax.jit, donate_argnames="state")
def momentum_train(state, x, y, learning_rates, momentum):
    def step(state, i):
        return one(optimizer, state, x, y, i, *SLOTS["momentum"])

    optimizer = optimizers.momentum(lambda i: learning_rates[i], momentum)  # the rate may follow a schedule
    state = remember(state, *SLOTS["momentum"])
    return jax.lax.scan(step, state, jax.numpy.arange(len(learning_rates)))
