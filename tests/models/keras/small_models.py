"""Small Keras models with the same values on every backend, and their inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
import numpy as np

layers = keras.layers


@keras.saving.register_keras_serializable("samestep")
class Scaled(keras.layers.Layer):
    """A layer of one's own, in keras.ops."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        return keras.ops.silu(x) * self.scale


def conv_net() -> keras.Model:
    x = entry = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = Scaled(name="scaled")(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(entry, layers.Dense(5, name="head")(x), name="conv_net")


def attention() -> keras.Model:
    x = entry = keras.Input((6, 8))
    y = layers.LayerNormalization(name="norm")(x)
    x = layers.Add(name="add")([x, layers.MultiHeadAttention(2, 4, name="mha")(y, y)])
    x = layers.Dense(8, "gelu", name="mlp")(x)
    return keras.Model(entry, layers.Dense(5, name="head")(x), name="attention")


def recurrent() -> keras.Model:
    x = entry = keras.Input((4,), dtype="int32")
    x = layers.Embedding(11, 6, mask_zero=True, name="embedding")(x)
    x = layers.GRU(4, return_sequences=True, name="gru")(x)
    x = layers.Bidirectional(layers.LSTM(4, name="lstm"), name="both")(x)
    return keras.Model(entry, layers.Dense(5, name="head")(x), name="recurrent")


def filled(model: keras.Model) -> keras.Model:
    """The model with values that depend on the paths of its variables only."""
    for variable in model.variables:
        if variable.path.endswith("seed_generator_state"):
            continue
        rng = np.random.default_rng(list(variable.path.encode()))
        values = rng.standard_normal(variable.shape) * 0.4
        variable.assign(np.abs(values) + 0.5 if "variance" in variable.path else values)
    return model


CLASSES = np.array([1, 3])
CASES: dict[str, tuple[Callable[[], keras.Model], np.ndarray, np.ndarray]] = {
    "conv_net": (
        conv_net,
        np.random.default_rng(1).standard_normal((2, 6, 6, 3)).astype(np.float32),
        CLASSES,
    ),
    "attention": (
        attention,
        np.random.default_rng(2).standard_normal((2, 6, 8)).astype(np.float32),
        np.random.default_rng(3).integers(0, 5, (2, 6)),
    ),
    "recurrent": (recurrent, np.array([[3, 1, 4, 0], [5, 9, 0, 0]], np.int32), CLASSES),
}


def made(name: str) -> object:
    """The model of a case; the one with batch statistics in training mode."""
    model = filled(CASES[name][0]())
    return partial(model, training=True) if name == "conv_net" else model
