"""A Keras model on any backend, and raw TensorFlow, as candidate and reference.

A Keras model runs on the backend of its own process, `keras.backend.backend()`. Backends are not the same
function: Keras 3.15's average pooling with padding "same" is another one on PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import keras

from samestep.models.keras.subject import KerasSubject
from samestep.models.nested import Nested
from samestep.models.subject import ModelError, Subject

__all__ = ["KerasSubject", "from_function", "recognise"]

#: Who runs a function of a backend's own tensors.
BACKENDS = {
    "torch": "samestep.models.torch",
    "jax": "samestep.models.jax",
    "tensorflow": "samestep.models.keras.tensorflow_subject",
}


def from_function(call: Callable[..., Any], params: Nested = None, state: Nested = None) -> Subject:
    """Return the side for a function in keras.ops: one of its backend's own tensors. Raises `ModelError`."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise ModelError(
            f"Keras's {backend} backend has no gradients: set KERAS_BACKEND to one of {', '.join(BACKENDS)}"
        )
    subject: Subject = import_module(BACKENDS[backend]).from_function(call, params, state)
    return subject


def recognise(model: object) -> KerasSubject | None:
    """Return the side for a Keras model or layer; None for others. Raises `ModelError` if it is not built.

    It is called in inference mode, as ``model(x)`` is: ``functools.partial(model, training=True)`` says
    otherwise, and fixes any other argument.
    """
    fixed: dict[str, Any] = {}
    layer: Any = model
    while isinstance(layer, partial) and not layer.args:
        layer, fixed = layer.func, {**layer.keywords, **fixed}
    return KerasSubject.open(layer, fixed) if isinstance(layer, keras.Layer) else None
