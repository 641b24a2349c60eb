"""From whatever a person hands in to a side of a comparison."""

from __future__ import annotations

import sys
from importlib import import_module
from os import PathLike

import numpy as np

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

#: What an exported model can be beside a path, by the name of its class: a proto, an onnxruntime session, and
#: what torch.onnx.export returns.
EXPORTS = ("ModelProto", "InferenceSession", "ONNXProgram")

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
    exported = _exported(model, side)
    if exported is not None:
        return exported
    for framework, module in RECOGNISERS.items():
        if framework in sys.modules:
            found: Subject | None = import_module(module).recognise(model)
            if found is not None:
                return found
    if isinstance(model, type):
        raise ModelError(f"{side} is the class {model.__name__}: pass an instance of it")
    if not callable(model):
        raise ModelError(f"{side} is {type(model).__name__}, which is no model: {_instead(model)}")
    return _from_function(Model(model), side)


def _exported(model: object, side: str) -> Subject | None:
    """The side that an ONNX model is; None for anything else. Raises `ModelError`."""
    is_path = isinstance(model, str | PathLike) and str(model).endswith(".onnx")
    if not is_path and type(model).__name__ not in EXPORTS:
        return None
    try:
        found: Subject | None = import_module("samestep.models.onnx").recognise(model)
    except ImportError as missing:
        raise ModelError(f'{side} is an ONNX model: pip install "samestep[onnx]" ({missing})') from missing
    except ModelError as error:
        raise ModelError(f"{side}: {error}") from error
    return found


def _instead(model: object) -> str:
    """What to pass in place of something that is no model."""
    if isinstance(model, (tuple, list)) and len(model) in (2, 3) and callable(model[0]):
        return "pass samestep.Model(call, params)"
    if isinstance(model, (dict, tuple, list)) and framework_of_leaves(model) | _numpy(model):
        return "these are parameters; pass samestep.Model(call, params)"
    return (
        "pass a torch.nn.Module, a Flax, Equinox or Keras model, an .onnx file, a function on arrays, or "
        "samestep.Model(call, params)"
    )


def _numpy(tree: object) -> set[str]:
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, (tuple, list)) else ()
    return {"numpy"} if isinstance(tree, np.ndarray) else set().union(*map(_numpy, parts))


def _from_function(model: Model, side: str) -> Subject:
    _check(model, side)
    framework = model.framework or _framework(model, side)
    try:
        subject: Subject = import_module(OPENERS[framework]).from_function(
            model.call, model.params, model.state
        )
    except ImportError as missing:
        raise ModelError(f"{side} is written in {framework}, which is not installed: {missing}") from missing
    return subject


def _check(model: Model, side: str) -> None:
    """Raise `ModelError` for what looks like a function with its params, and is none."""
    name = getattr(model.call, "__qualname__", type(model.call).__name__)
    if hasattr(model.call, "named_parameters"):
        raise ModelError(f"{side}: {name} is a torch.nn.Module and has its parameters: pass it as it is")
    if hasattr(model.params, "named_parameters"):
        kind = type(model.params).__name__
        raise ModelError(f"{side}: params is the module {kind}: pass dict(module.named_parameters())")
    if hasattr(model.params, "__next__"):
        raise ModelError(f"{side}: params is a {type(model.params).__name__}: pass a dict or list of arrays")
    if _is_linen(model.call):
        raise ModelError(f"{side}: {name} is a Linen module: pass samestep.Model(module.apply, variables)")
    if model.params is None and _is_linen(getattr(model.call, "__self__", None)):
        raise ModelError(f"{side}: {name} needs its variables: pass samestep.Model(module.apply, variables)")


def _is_linen(value: object) -> bool:
    linen = sys.modules.get("flax.linen")
    return linen is not None and isinstance(value, linen.Module)


def _framework(model: Model, side: str) -> str:
    held = framework_of_leaves(model.params) | framework_of_leaves(model.state)
    used = framework_of_function(model.call)
    if len(held) == 1 and len(used) == 1 and held != used and "keras" not in used:
        raise ModelError(
            f"{side}: its params are of {held.pop()} and its code is in {used.pop()}: pass them as NumPy "
            "arrays ({name: np.asarray(x.detach()) for name, x in ...} of PyTorch's)"
        )
    found = held or used
    if len(found) > 1:
        names = " and ".join(sorted(found))
        raise ModelError(f"{side} uses {names}: say which with samestep.Model(call, params, framework=...)")
    return next(iter(found), "numpy")
