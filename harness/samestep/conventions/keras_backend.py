"""Keras on the framework that is asked: its backends are implementations of their own."""

from __future__ import annotations

import importlib
import os
from types import ModuleType


def keras_on(backend: str) -> ModuleType:
    """Return Keras, which is imported with this backend: ``torch`` or ``jax``.

    Raises RuntimeError where it was imported with another one, and ModuleNotFoundError where it is missing.
    """
    os.environ["KERAS_BACKEND"] = backend  # read once, when Keras is imported
    keras = importlib.import_module("keras")
    if keras.backend.backend() != backend:
        raise RuntimeError(f"Keras was imported with {keras.backend.backend()}, not {backend}")
    return keras


def average_pool_same(keras: ModuleType) -> float:
    """Return the last mean of (0, 0, 0, 1), of windows of three, two apart, one beyond the end."""
    x = keras.ops.reshape(keras.ops.convert_to_tensor([0.0, 0.0, 0.0, 1.0]), (1, 4, 1))
    return float(keras.ops.average_pool(x, 3, strides=2, padding="same")[0, -1, 0])
