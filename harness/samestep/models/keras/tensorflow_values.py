"""Values between NumPy and TensorFlow: exactly, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from samestep.models.nested import Nested, leaves
from samestep.models.subject import ModelError


def to_tensor(array: object, what: str) -> tf.Tensor:
    """Return a copy of an array as a tensor of its dtype and shape. Raises `ModelError`, naming ``what``."""
    values = np.asarray(array)
    if values.dtype.kind not in "biuf" and values.dtype.name != "bfloat16":
        raise ModelError(f"{what} is a {type(array).__name__} of {values.dtype}: give an array of numbers")
    return tf.constant(values)


def to_array(tensor: Any, what: str) -> np.ndarray:
    """Return a copy of a tensor's values; bfloat16 as float32. Raises `ModelError` for what has none."""
    if isinstance(tensor, tf.IndexedSlices):
        tensor = tf.convert_to_tensor(tensor)
    if not isinstance(tensor, tf.Tensor | tf.Variable):
        raise ModelError(f"{what} is a {type(tensor).__name__}: compare a dense tensor")
    if not hasattr(tensor, "numpy"):
        raise ModelError(f"{what} is a tensor of a graph that TensorFlow is still tracing, without values")
    if not (tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool):
        raise ModelError(f"{what} is {tensor.dtype.name}: only real numbers are compared")
    tensor = tf.cast(tensor, tf.float32) if tensor.dtype == tf.bfloat16 else tensor
    return np.array(tensor.numpy())


def tensors_in(outputs: Nested) -> dict[str, Any]:
    """Return the tensors of what a model returns by path; Python numbers are none."""
    return {
        path: leaf
        for path, leaf in leaves(outputs).items()
        if isinstance(leaf, tf.Tensor | tf.Variable | tf.IndexedSlices | tf.SparseTensor | tf.RaggedTensor)
    }


def is_floating(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating)


def with_own(values: Mapping[str, np.ndarray], own: Mapping[str, Any], kind: str) -> dict[str, tf.Tensor]:
    """Return all of a model's tensors, with ``values`` in place of some, in the dtypes of its ``own``."""
    return {
        name: tf.cast(to_tensor(values[name], f"{kind} {name}"), tensor.dtype)
        if name in values
        else tf.convert_to_tensor(tensor)
        for name, tensor in own.items()
    }
