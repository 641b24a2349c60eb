"""Keras: layers.GRU and layers.LSTM run the loop, and take and return the carry."""

from functools import cache
from types import SimpleNamespace

import keras
import tensorflow as tf

READ_AFTER = "tensorflow_function"
NAMES = ("w_x", "w_h", "b", "w_y", "b_y")  # of the model's variables: b is b_x, or b_x and b_h in one

# Adam adds eps to the root of the uncorrected second moment, and cannot be told the other way, so adam_step
# is not here.


@cache
def build(dtype, d_in, hidden, d_out, carries, reset_after):
    x = keras.Input((None, d_in), dtype=dtype)
    carry = [keras.Input((hidden,), dtype=dtype) for _ in range(carries)]
    every = {"return_sequences": True, "return_state": True, "dtype": dtype}
    rnn = (
        keras.layers.LSTM(hidden, **every)  # unit_forget_bias is about initial values alone
        if carries == 2
        else keras.layers.GRU(hidden, reset_after=reset_after, **every)
    )
    h, *last = rnn(x, initial_state=carry)
    y_pred = keras.layers.Dense(d_out, dtype=dtype)(h)
    model = keras.Model([x, carry], [h, last, y_pred])
    model.optimizer = keras.optimizers.SGD()
    model.optimizer.build(model.trainable_variables)
    return model


def gates(name, value, carries):
    """r z n from z r n, or back; an LSTM's gates have one order everywhere."""
    if carries == 2 or name in ("w_y", "b_y"):
        return value
    first, second, n = tf.split(value, 3, axis=-1)
    return tf.concat([second, first, n], axis=-1)


def adopt(params):
    carries, reset_after = len(params["carry"]), "b_h" in params
    sizes = *params["w_x"].shape[:1], *params["w_y"].shape
    model = build(params["w_x"].dtype.name, *sizes, carries, reset_after)
    values = dict(params) | {"b": params["b_x"]}
    if reset_after:
        values["b"] = tf.stack([params["b_x"], params["b_h"]])
    model.set_weights([gates(name, values[name], carries) for name in NAMES])
    return SimpleNamespace(model=model, carry=params["carry"])


def named(state, values):
    """A model's variables, or their gradients, by the names of the workload."""
    carries = len(state.carry)
    found = {name: gates(name, value, carries) for name, value in zip(NAMES, values, strict=True)}
    biases = found.pop("b")
    return found | ({"b_x": biases[0], "b_h": biases[1]} if len(biases.shape) == 2 else {"b_x": biases})


def export(state):
    return named(state, [v.value for v in state.model.trainable_variables]) | {"carry": state.carry}


def steps_first(rows):
    """(batch, steps, ...) from (steps, batch, ...), or back: Keras has the batch first."""
    return tf.transpose(rows, (1, 0, 2))


@tf.function
def network(model, carry, x):
    h, last, y_pred = model([steps_first(x), tf.unstack(carry)])
    return steps_first(h), tf.stack(last), steps_first(y_pred)


def forward(state, x):
    _, _, y_pred = network(state.model, state.carry, x)
    return y_pred


def trace(state, x, y):
    h, carry, y_pred = network(state.model, state.carry, x)
    loss, grads = loss_and_grads(state, x, y)
    seen = {"h": h, "last_carry": carry, "y_pred": y_pred, "loss": loss}
    return seen | {f"grad_{name}": grad for name, grad in grads.items()}


@tf.function
def gradients(model, carry, x, y):
    with tf.GradientTape() as tape:
        # Forward pass
        _, carry, y_pred = network(model, carry, x)

        # Loss
        loss = tf.reduce_mean(keras.losses.mean_squared_error(y, y_pred))

    # Backward pass: the tape is played back
    return loss, tape.gradient(loss, model.trainable_variables), carry


def loss_and_grads(state, x, y):
    loss, grads, _ = gradients(state.model, state.carry, x, y)
    return loss, named(state, grads)


@tf.function
def update(model, carry, x, y, learning_rate):
    loss, grads, carry = gradients(model, carry, x, y)
    model.optimizer.learning_rate.assign(learning_rate)
    model.optimizer.apply(grads, model.trainable_variables)
    return loss, carry


def train_step(state, x, y, learning_rate):
    learning_rate = tf.constant(learning_rate, x.dtype)  # as a Python float it would be part of the graph
    loss, state.carry = update(state.model, state.carry, x, y, learning_rate)
    return state, loss
