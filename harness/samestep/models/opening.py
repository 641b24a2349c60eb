"""From whatever a person hands in to a side of a comparison."""

from __future__ import annotations

import sys
from importlib import import_module

from samestep.models.found_framework import framework_of_function, framework_of_leaves
from samestep.models.model import Model
from samestep.models.subject import ModelError, Subject

#: Who may recognise an object as a model of its framework, in this order: a Keras model on PyTorch is a
#: torch.nn.Module too. A framework that is not imported cannot have made the object.
RECOGNISERS = {
    "keras": "samestep.models.keras",
    "torch": "samestep.models.torch",
    "jax": "samestep.models.jax",
    "tensorflow": "samestep.models.keras.tensorflow_subject",
}

#: Where a function with its parameters becomes a side.
OPENERS = {
    "torch": "samestep.models.torch",
    "jax": "samestep.models.jax",
    "tensorflow": "samestep.models.keras.tensorflow_subject",
    "keras": "samestep.models.keras",
    "numpy": "samestep.models.numpy",
}


def open_subject(model: object, side: str) -> Subject:
    """Return the side of a comparison that ``model`` is: a module, a `Model`, or a function on arrays.

    ``side`` is "candidate" or "reference", for messages. Raises `ModelError` for what is none of these, and
    where the framework of a function cannot be told.
    """
    if isinstance(model, Model):
        return _from_function(model, side)
    for framework, module in RECOGNISERS.items():
        if framework in sys.modules:
            found: Subject | None = import_module(module).recognise(model)
            if found is not None:
                return found
    if isinstance(model, type):
        raise ModelError(f"{side} is the class {model.__name__}: pass an instance of it")
    if not callable(model):
        raise ModelError(
            f"{side} is {type(model).__name__}, which is no model: pass a torch.nn.Module, a Flax, Equinox "
            "or Keras model, a function on arrays, or samestep.Model(call, params)"
        )
    return _from_function(Model(model), side)


def _from_function(model: Model, side: str) -> Subject:
    framework = model.framework or _framework(model, side)
    try:
        subject: Subject = import_module(OPENERS[framework]).from_function(
            model.call, model.params, model.state
        )
    except ImportError as missing:
        raise ModelError(f"{side} is written in {framework}, which is not installed: {missing}") from missing
    return subject


def _framework(model: Model, side: str) -> str:
    found = framework_of_leaves(model.params) | framework_of_leaves(model.state)
    found = found or framework_of_function(model.call)
    if len(found) > 1:
        names = " and ".join(sorted(found))
        raise ModelError(f"{side} uses {names}: say which with samestep.Model(call, params, framework=...)")
    return next(iter(found), "numpy")
