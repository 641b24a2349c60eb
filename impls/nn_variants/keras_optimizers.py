"""Keras: a model of Dense layers, and keras.optimizers, which move its variables along a tape's gradients."""

from functools import cache
from typing import NamedTuple

import keras
import tensorflow as tf

READ_AFTER = "tensorflow_function"
NAMES = ("w1", "b1", "w2", "b2")

# SGD keeps the rate inside its velocity, and Adam adds eps to the root of the uncorrected second moment.
# Neither can be told the other way, so momentum_train and adam_step are not here.


class State(NamedTuple):
    model: keras.Sequential
    optimizers: dict
    kept: list


@cache
def build(dtype, d_in, width, d_out):
    layers = [
        keras.Input((d_in,), dtype=dtype),
        keras.layers.Dense(width, name="h", dtype=dtype),
        keras.layers.ReLU(name="h_relu", dtype=dtype),
        keras.layers.Dense(d_out, name="y_pred", dtype=dtype),
    ]
    return keras.Sequential(layers)


def memory(state):
    """Each optimiser's variables, after its iteration and its rate, by the names of the workload."""
    velocities, moments = (state.optimizers[name].variables[2:] for name in ("momentum", "adam"))
    named = {f"inner_momentum/{name}": v for name, v in zip(NAMES, velocities, strict=True)}
    for i, name in enumerate(NAMES):
        named |= {f"adam_m/{name}": moments[2 * i], f"adam_v/{name}": moments[2 * i + 1]}
    return named | {"adam_step": state.optimizers["adam"].iterations}


def adopt(params):
    model = build(params["w1"].dtype.name, *params["w1"].shape, len(params["b2"]))
    model.set_weights([params[name] for name in NAMES])
    optimizers = {
        "sgd": keras.optimizers.SGD(),
        "momentum": keras.optimizers.SGD(momentum=0.5),  # any but 0, or it would keep no velocity
        "adam": keras.optimizers.Adam(),
    }
    for optimizer in optimizers.values():
        optimizer.build(model.trainable_variables)
    state = State(model, optimizers, kept=[name for name in params if name not in NAMES])
    for name in state.kept:
        memory(state)[name].assign(params[name])
    return state


def export(state):
    params = dict(zip(NAMES, state.model.trainable_variables, strict=True))
    params |= {name: memory(state)[name] for name in state.kept}
    return {name: variable.value for name, variable in params.items()}


def keep(state, *kinds):
    """From here on these are a part of the state."""
    state.kept[:] = {name: None for name in [*state.kept, *memory(state)] if name.split("/")[0] in kinds}


def forward(state, x):
    return state.model(x)


def trace(state, x, y):
    seen, a = {}, x
    for layer in state.model.layers:
        a = seen[layer.name] = layer(a)
    return seen | {"loss": tf.reduce_sum(tf.square(a - y))}


def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        # Forward pass
        y_pred = state.model(x)

        # Loss: keras.losses.MeanSquaredError takes the mean of each row first
        loss = tf.reduce_sum(tf.square(y_pred - y))

    # Backward pass: the tape is played back
    return loss, dict(zip(NAMES, tape.gradient(loss, state.model.trainable_variables), strict=True))


def step(state, optimizer, x, y, **settings):
    # As Python floats, Keras would round the betas and the momentum to float32, in a float64 model too
    for name, value in settings.items():
        setattr(optimizer, name, tf.constant(value, x.dtype))
    loss, grads = loss_and_grads(state, x, y)
    optimizer.apply(list(grads.values()))
    return state, loss


def many(state, optimizer, x, y, learning_rates, **settings):
    losses = []
    for learning_rate in learning_rates:
        state, loss = step(state, optimizer, x, y, learning_rate=learning_rate, **settings)
        losses.append(loss)
    return state, tf.stack(losses)


def train_step(state, x, y, learning_rate):
    return step(state, state.optimizers["sgd"], x, y, learning_rate=learning_rate)


def adam_eps_hat_step(state, x, y, learning_rate, beta1, beta2, eps):
    keep(state, "adam_m", "adam_v", "adam_step")
    settings = {"learning_rate": learning_rate, "beta_1": beta1, "beta_2": beta2, "epsilon": eps}
    return step(state, state.optimizers["adam"], x, y, **settings)


def train(state, x, y, learning_rate, steps):
    return many(state, state.optimizers["sgd"], x, y, [learning_rate] * steps)


def inner_momentum_train(state, x, y, learning_rates, momentum):
    keep(state, "inner_momentum")
    return many(state, state.optimizers["momentum"], x, y, learning_rates, momentum=momentum)
