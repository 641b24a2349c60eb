"""Where NumPy has no protocol: ``np.array([a, b])``, buffers of zeros, and SciPy's sums of exponentials.

NumPy asks no argument before it makes an array of it (NEP 35 needs ``like=``), so that these would lose the
array types, or refuse them. While code runs inside `followed`, they work: for its own thread, and for what
the code itself calls; nothing changes for libraries, or for arrays of others.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.program_tape import user_line
from samestep.agreement.arithmetic.rounding_array import RoundingArray
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation

#: An array of the type that the code runs on; None outside of `followed`, and in other threads.
_LIKE: ContextVar[RoundingArray | None] = ContextVar("_LIKE", default=None)

#: NumPy's functions that take whatever is given for an array, and those that make one to be filled.
CONVERTING = ("array", "asarray", "asanyarray", "ascontiguousarray")
MAKING = ("zeros", "empty", "ones", "full")
#: Where the callers of these lie that get NumPy's own arrays; not so the workloads, installed or not.
_LIBRARIES = (str(Path(np.__file__).parents[1]), str(Path(__file__).parents[1]))
_WORKLOADS = str(Path(__file__).parents[2] / "impls")


@contextmanager
def followed(like: RoundingArray, who: str) -> Iterator[None]:
    """Let ``np.array``, ``np.zeros`` and their kin make arrays as ``like`` where the code's own values are.

    Raises `UnknownOperation` in one line, which says what ``who`` uses and where, for what has no rule.
    """
    before = {name: getattr(np, name) for name in (*CONVERTING, *MAKING)}
    token = _LIKE.set(like)
    try:
        with _scipy_followed():
            for name, original in before.items():
                setattr(np, name, (_converting if name in CONVERTING else _making)(original))
            yield
    except Exception as error:
        unknown = _unknown_in(error)
        if unknown is None:
            raise
        raise unknown.at(who, user_line(traceback.extract_tb(error.__traceback__))) from error
    finally:
        _LIKE.reset(token)
        for name, original in before.items():
            setattr(np, name, original)


def _unknown_in(error: BaseException | None) -> UnknownOperation | None:
    """NumPy raises errors of its own for those of an array's items."""
    while error is not None and not isinstance(error, UnknownOperation):
        error = error.__cause__
    return error


def _converting(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def convert(*args: Any, **kwargs: Any) -> Any:
        if _LIKE.get() is None or not args or not _holds_values(args[0]):
            return original(*args, **kwargs)
        values = _stacked(args[0])
        dtype = kwargs.get("dtype", args[1] if len(args) > 1 else None)
        return values if dtype is None else values.astype(dtype)

    return convert


def _holds_values(given: Any) -> bool:
    return isinstance(given, RoundingArray) or (
        isinstance(given, list | tuple) and any(_holds_values(item) for item in given)
    )


def _stacked(given: Any) -> Any:
    return given if not isinstance(given, list | tuple) else np.stack([_stacked(item) for item in given])


def _is_library(file: str) -> bool:
    return file.startswith(_LIBRARIES) and not file.startswith(_WORKLOADS)


def _making(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def make(*args: Any, **kwargs: Any) -> Any:
        like = _LIKE.get()
        if like is None or _is_library(sys._getframe(1).f_code.co_filename):
            return original(*args, **kwargs)
        named = {"shape": 0, "fill_value": 1}
        given = kwargs | {name: args[place] for name, place in named.items() if place < len(args)}
        if original.__name__ == "full" and isinstance(given["fill_value"], RoundingArray):
            return np.full_like(np.broadcast_to(given["fill_value"], given["shape"]), given["fill_value"])
        made = original(*args, **kwargs)
        if made.dtype.kind != "f":
            return made
        return like.lift(np.zeros_like(made) if original.__name__ == "empty" else made)

    return make


def _softmax(x, axis=None):  # type: ignore[no-untyped-def]
    from samestep.agreement.arithmetic import exponential_sums

    return exponential_sums.softmax(x, axis)


def _log_softmax(x, axis=None):  # type: ignore[no-untyped-def]
    from samestep.agreement.arithmetic import exponential_sums

    return exponential_sums.log_softmax(x, axis)


def _logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):  # type: ignore[no-untyped-def]
    from samestep.agreement.arithmetic import exponential_sums

    return exponential_sums.logsumexp(a, axis, b, keepdims, return_sign)


#: SciPy's functions by name, with the bodies that they have meanwhile.
SUMS_OF_EXPONENTIALS = {"softmax": _softmax, "log_softmax": _log_softmax, "logsumexp": _logsumexp}


@contextmanager
def _scipy_followed() -> Iterator[None]:
    """Give SciPy's functions a body that takes the array types; all who have imported them have it."""
    special = sys.modules.get("scipy.special")
    theirs = {
        name: getattr(special, name)
        for name in SUMS_OF_EXPONENTIALS
        if isinstance(getattr(special, name, None), FunctionType)
    }
    before = {name: function.__code__ for name, function in theirs.items()}
    try:
        for name, function in theirs.items():
            if not function.__code__.co_freevars:
                function.__code__ = SUMS_OF_EXPONENTIALS[name].__code__
        yield
    finally:
        for name, function in theirs.items():
            function.__code__ = before[name]
