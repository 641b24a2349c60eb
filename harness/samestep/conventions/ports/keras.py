"""Arrays into Keras and out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def native(array: np.ndarray) -> tf.Tensor:
    """Return a copy of the array as a tensor of the backend."""
    return keras.ops.convert_to_tensor(array)


def plain(tensor: tf.Tensor) -> np.ndarray:
    """Return the tensor as an array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))
