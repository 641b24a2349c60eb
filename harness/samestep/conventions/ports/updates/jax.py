"""JAX: optax."""

from __future__ import annotations

import jax
import optax


def stepped(optimiser: optax.GradientTransformation, w: jax.Array, g: jax.Array) -> jax.Array:
    """Return the weights after a step with each gradient."""
    state = optimiser.init(w)
    for grad in g:
        change, state = optimiser.update(grad, state, w)
        w = optax.apply_updates(w, change)
    return w


def adam_eps(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.adam(0.1), w, g)


def adamw_decay(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.adamw(0.1), w, g)


def adamw_decay_matched(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.adamw(0.1, weight_decay=0.01), w, g)


def adam_l2(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.adamw(0.1, weight_decay=0.1), w, g)


def adam_l2_matched(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.chain(optax.add_decayed_weights(0.1), optax.adam(0.1)), w, g)


def momentum(w: jax.Array, g: jax.Array) -> jax.Array:
    rates = optax.piecewise_constant_schedule(0.1, {2: 0.1})
    return stepped(optax.sgd(rates, momentum=0.9), w, g)


def dampening(w: jax.Array, g: jax.Array) -> jax.Array:
    average = optax.ema(0.9, debias=False)
    return stepped(optax.chain(average, optax.scale(-0.1)), w, g)


def dampening_matched(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.sgd(0.1, momentum=0.9), w, g)


def rmsprop(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.rmsprop(0.1), w, g)


def rmsprop_matched(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.rmsprop(0.1, decay=0.99, eps_in_sqrt=False), w, g)


def adagrad(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.adagrad(0.1), w, g)


def adagrad_matched(w: jax.Array, g: jax.Array) -> jax.Array:
    return stepped(optax.adagrad(0.1, initial_accumulator_value=0.0, eps=1e-20), w, g)
