"""From what a caller hands in to the questions that both sides are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from samestep.models.losses import NAMES
from samestep.models.question import Loss, Question
from samestep.models.subject import ModelError

#: One input or several: by position, or by keyword.
Inputs = np.ndarray | Sequence[object] | Mapping[str, object]


@dataclass(frozen=True)
class Asked:
    """The same question in the words of each side: a loss may be a function of its own framework."""

    candidate: Question
    reference: Question


def ask(inputs: Inputs, loss: object, targets: object, seed: int) -> Asked:
    """Return the questions for both sides.

    ``inputs`` is an array, a tuple of arrays or a dict of arrays by keyword; float64 is rounded to float32
    once, integers and bools stay. ``loss`` is None, the name of a loss, or a pair (candidate's,
    reference's). Raises `ModelError` for anything else, naming the input.
    """
    names, arrays = _named(inputs)
    plain = tuple(_array(array, name) for array, name in zip(arrays, names, strict=True))
    keywords = tuple(names) if isinstance(inputs, Mapping) else ()
    mine, theirs = _losses(loss)
    if mine is not None and targets is None:
        raise ModelError("a loss needs targets: pass targets=")
    if mine is None and targets is not None:
        raise ModelError('targets without a loss: pass loss="cross_entropy" or a pair of functions')
    aims = None if targets is None else _array(targets, "targets")
    return Asked(Question(plain, keywords, mine, aims, seed), Question(plain, keywords, theirs, aims, seed))


def _named(inputs: Inputs) -> tuple[list[str], list[object]]:
    if isinstance(inputs, Mapping):
        return [str(name) for name in inputs], list(inputs.values())
    if isinstance(inputs, (tuple, list)):
        return [f"inputs[{i}]" for i in range(len(inputs))], list(inputs)
    return ["inputs"], [inputs]


def _array(value: object, name: str) -> np.ndarray:
    """A NumPy array that the engines take; arrays of other frameworks are copied."""
    if value is None or isinstance(value, (str, bytes, dict)):
        raise ModelError(f"{name} is {type(value).__name__}, not an array")
    if callable(value):
        raise ModelError(f"{name} is a model: the order is (candidate, reference, inputs)")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever the object's own conversion raises: it is no array
        raise ModelError(f"{name} cannot be turned into a NumPy array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise ModelError(f"{name} has dtype {array.dtype}: floats, integers and bools can be compared")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ModelError(f"{name} contains NaN: gradients there hang on conventions; pass numbers")
    return array.astype(np.float32) if array.dtype == np.float64 else array.copy()


def _losses(loss: object) -> tuple[Loss | None, Loss | None]:
    if loss is None:
        return None, None
    if isinstance(loss, str):
        if loss not in NAMES:
            raise ModelError(f"loss={loss!r} is not one of {', '.join(NAMES)}, nor a pair of functions")
        return loss, loss
    if isinstance(loss, (tuple, list)) and len(loss) == 2 and all(callable(one) for one in loss):
        return loss[0], loss[1]
    raise ModelError("loss= takes a name, or a pair of functions: (candidate's, reference's)")
