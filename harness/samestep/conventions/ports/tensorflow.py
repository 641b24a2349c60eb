"""Arrays into TensorFlow and out of it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def native(array: np.ndarray) -> tf.Tensor:
    """Return a copy of the array."""
    return tf.constant(array)


def plain(array: tf.Tensor) -> np.ndarray:
    """Return the array as one of NumPy."""
    return np.asarray(array)
