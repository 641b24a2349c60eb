"""JAX, grad derives the backward pass; every optimiser is a function from state to state, for scan."""

import math
from functools import partial

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def weights(state):
    return {name: state[name] for name in ("w1", "b1", "w2", "b2")}


def remember(state, *kinds):
    """The optimiser's memory: zeros at the start."""
    zeros = {f"{kind}/{name}": jnp.zeros_like(w) for kind in kinds for name, w in weights(state).items()}
    count = {"adam_step": jnp.zeros((), int)} if "adam_m" in kinds else {}
    return zeros | count | state


@jax.jit
def forward(state, x):
    h_relu = jax.nn.relu(x @ state["w1"] + state["b1"])  # jnp.maximum has derivative 1/2 at 0
    return h_relu @ state["w2"] + state["b2"]


def loss_fn(params, x, y):
    return jnp.square(forward(params, x) - y).sum()


@jax.jit
def loss_and_grads(state, x, y):
    return jax.value_and_grad(loss_fn)(weights(state), x, y)


def sgd(state, grads, learning_rate):
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}


def momentum_outside(state, grads, learning_rate, momentum):
    state = dict(state)
    for name, grad in grads.items():
        velocity = state[f"momentum/{name}"] = momentum * state[f"momentum/{name}"] + grad
        state[name] -= learning_rate * velocity  # a new rate counts for all of the velocity
    return state


def momentum_inside(state, grads, learning_rate, momentum):
    state = dict(state)
    for name, grad in grads.items():
        velocity = momentum * state[f"inner_momentum/{name}"] - learning_rate * grad
        state[f"inner_momentum/{name}"] = velocity
        state[name] += velocity  # what moved at an old rate moves on at that rate
    return state


def moments(state, grads, beta1, beta2):
    state = remember(state, "adam_m", "adam_v")
    step = state["adam_step"] = state["adam_step"] + 1
    for name, grad in grads.items():
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        state[f"adam_m/{name}"] = beta1 * m + (1 - beta1) * grad
        state[f"adam_v/{name}"] = beta2 * v + (1 - beta2) * grad * grad
    return state, *(-jnp.expm1(step * math.log(beta)) for beta in (beta1, beta2))  # 1 - beta**step


def adam(state, grads, learning_rate, beta1, beta2, eps):
    state, correction1, correction2 = moments(state, grads, beta1, beta2)
    for name in grads:
        m_hat, v_hat = state[f"adam_m/{name}"] / correction1, state[f"adam_v/{name}"] / correction2
        state[name] -= learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state


def adam_eps_hat(state, grads, learning_rate, beta1, beta2, eps):
    state, correction1, correction2 = moments(state, grads, beta1, beta2)
    # The paper's "epsilon hat": both corrections go into the rate, so eps meets the uncorrected root
    rate = learning_rate * jnp.sqrt(correction2) / correction1
    for name in grads:
        m, v = state[f"adam_m/{name}"], state[f"adam_v/{name}"]
        state[name] -= rate * m / (jnp.sqrt(v) + eps)
    return state


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return sgd(state, grads, learning_rate), loss


# The betas are compiled in: as float32 numbers they would lose half of the digits of 1 - beta2
@partial(jax.jit, donate_argnames="state", static_argnames=("beta1", "beta2"))
def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    return adam(state, grads, learning_rate, beta1, beta2, eps), loss


@partial(jax.jit, donate_argnames="state", static_argnames=("beta1", "beta2"))
def adam_eps_hat_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    return adam_eps_hat(state, grads, learning_rate, beta1, beta2, eps), loss


@partial(jax.jit, donate_argnames="state", static_argnames="update")
def many(update, state, x, y, learning_rates, *numbers):
    def step(state, learning_rate):
        loss, grads = loss_and_grads(state, x, y)
        return update(state, grads, learning_rate, *numbers), loss

    return jax.lax.scan(step, state, learning_rates)


def train(state, x, y, learning_rate, steps):
    return many(sgd, state, x, y, jnp.full(steps, learning_rate, x.dtype))


def momentum_train(state, x, y, learning_rates, momentum):
    return many(momentum_outside, remember(state, "momentum"), x, y, learning_rates, momentum)


def inner_momentum_train(state, x, y, learning_rates, momentum):
    return many(momentum_inside, remember(state, "inner_momentum"), x, y, learning_rates, momentum)
