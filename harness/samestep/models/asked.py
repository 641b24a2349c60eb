"""From what a caller hands in to the questions that both sides are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from samestep.models.losses import NAMES
from samestep.models.question import Loss, Question
from samestep.models.subject import ModelError, first_line
from samestep.nearest_name import did_you_mean

#: One input or several: by position, or by keyword.
Inputs = np.ndarray | Sequence[object] | Mapping[str, object]


@dataclass(frozen=True)
class Asked:
    """The same question in the words of each side: a loss may be a function of its own framework."""

    candidate: Question
    reference: Question


def ask(inputs: Inputs, loss: object, targets: object, seed: int) -> Asked:
    """Return the questions for both sides.

    ``inputs`` is an array, a tuple of arrays or a dict of arrays by keyword; floats of any width become
    float32, wider ones rounded once, integers and bools stay. ``loss`` is None, the name of a loss, or a pair
    (candidate's, reference's). Raises `ModelError` for anything else, naming the input.
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
    """A NumPy array that the engines take, float32 where it is floating; other frameworks' are copied."""
    if value is None or isinstance(value, (str, bytes, dict)):
        raise ModelError(f"{name} is {type(value).__name__}, not an array")
    if callable(value):
        raise ModelError(f"{name} is a model: the order is (candidate, reference, inputs)")
    if isinstance(value, (tuple, list)) and any(hasattr(part, "dtype") for part in value):
        raise ModelError(
            f"{name} is a {type(value).__name__} of arrays: every input is one array, so let a function put "
            "them together: samestep.Model(lambda params, x, h, c: call(params, x, (h, c)), params)"
        )
    array = _plain(value, name)
    if array.dtype.kind not in "fiub":
        what = f"has dtype {array.dtype}" if hasattr(value, "dtype") else f"is {_article(value)}"
        raise ModelError(f"{name} {what}: pass an array of floats, integers or bools")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ModelError(f"{name} contains NaN: gradients there hang on conventions; pass numbers")
    return (
        array.astype(np.float32) if array.dtype.kind == "f" else array.astype(array.dtype.newbyteorder("="))
    )


def _plain(value: object, name: str) -> np.ndarray:
    """The numbers of an array of any framework; bfloat16 and the like, which NumPy lacks, in float32."""
    try:
        if hasattr(value, "detach"):
            tensor = value.detach().cpu()
            wide = tensor.is_floating_point() and tensor.element_size() < 4
            return np.array((tensor.float() if wide else tensor).numpy())
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise ModelError(f"{name} has masked elements: pass numbers, and the mask as an input of its own")
        array = np.array(value)
        narrow = array.dtype.kind == "V" and array.dtype.fields is None  # ml_dtypes, as JAX has them
        return array.astype(np.float32) if narrow else array
    except ModelError:
        raise
    except Exception as error:  # whatever the object's own conversion raises: it is no array
        if "Tracer" in type(value).__name__:
            raise ModelError(f"{name} is a tracer: call samestep outside of jit, with arrays") from error
        raise ModelError(f"{name} cannot be turned into a NumPy array: {first_line(error)}") from error


def _article(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _losses(loss: object) -> tuple[Loss | None, Loss | None]:
    if loss is None:
        return None, None
    if isinstance(loss, str):
        if loss not in NAMES:
            hint = did_you_mean(loss, NAMES)
            raise ModelError(f"loss={loss!r} is not one of {', '.join(NAMES)}, nor a pair of functions{hint}")
        return loss, loss
    if isinstance(loss, (tuple, list)) and len(loss) == 2 and all(callable(one) for one in loss):
        return loss[0], loss[1]
    raise ModelError(
        "loss= takes a name, or a pair of functions of (outputs, targets): (candidate's, reference's)"
    )
