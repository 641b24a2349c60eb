"""The named losses on TensorFlow's tensors: means over all targets, of the model's first floating output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from samestep.models.losses import check_shape, described
from samestep.models.nested import Nested
from samestep.models.question import Loss
from samestep.models.subject import ModelError


def loss_of(loss: Loss, outputs: Nested, floating: list[tf.Tensor], targets: tf.Tensor | None) -> tf.Tensor:
    """Return the loss, a scalar; ``floating`` are the floating leaves of ``outputs``. Raises `ModelError`."""
    if callable(loss):
        value: Any = loss(outputs, targets)
    elif loss not in LOSSES:
        raise ModelError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}")
    elif targets is None or not floating:
        raise ModelError(f"the loss {loss!r} needs {'targets' if floating else 'a floating output'}")
    else:
        value = LOSSES[loss](floating[0], targets)
    if not isinstance(value, tf.Tensor) or value.shape.rank != 0 or not value.dtype.is_floating:
        raise ModelError(f"the loss is {described(value)}, not one floating number")
    return value


def _cross_entropy(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    check_shape(logits.shape[:-1], classes.shape)
    if classes.dtype.is_floating:
        raise ModelError("the loss 'cross_entropy' needs integer classes as targets")
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits))


def _elementwise(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def loss(output: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        check_shape(output.shape, targets.shape)
        return tf.reduce_mean(function(output, tf.cast(targets, output.dtype)))

    return loss


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": _cross_entropy,
    "mse": _elementwise(lambda output, targets: tf.square(output - targets)),
    "l1": _elementwise(lambda output, targets: tf.abs(output - targets)),
    "binary_cross_entropy": _elementwise(
        lambda output, targets: tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=output)
    ),
}
