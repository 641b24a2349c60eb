"""Where in the user's code the engine is at work, so that a refusal can name the line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import torch

from samestep.agreement.arithmetic.program import Refused

_TORCH = str(Path(torch.__file__).parent)
_MODULES = f"{_TORCH}/nn/modules/"
#: The engines, which a call of the user's code may pass through several times, and what called that code.
_ENGINES, _SAMESTEP = str(Path(__file__).parents[1]), str(Path(__file__).parents[3])
#: Python's own modules; a site-packages may lie in their folder.
_PYTHON = str(Path(sys.modules["contextlib"].__file__ or "").parent) + "/"


def place() -> str:
    """Return "file:line in function" of the innermost frame that is the user's.

    Where the model is a module of PyTorch's own it is the line of that module; "" without one, as in a
    backward pass that the user's code did not start.
    """
    frame, module, called = sys._getframe(1), "", False
    while frame is not None:
        name = frame.f_code.co_filename
        here = f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
        if name.startswith(_SAMESTEP) and not name.startswith(_ENGINES):
            if called:  # further out is who called samestep
                return module
        elif not _is_foreign(name):
            return here
        elif name.startswith(_MODULES):
            module = module or here
        called = called or name.startswith(_TORCH)
        frame = frame.f_back  # type: ignore[assignment]
    return module


def _is_foreign(name: str) -> bool:
    if name.startswith((_TORCH, _ENGINES, "<")):
        return True
    return name.startswith(_PYTHON) and "site-packages" not in name.removeprefix(_PYTHON)


def refuse(operation: object, why: str) -> NoReturn:
    """Raise `Refused` that names the operation, the reason and the user's line."""
    at = place()
    raise Refused(f"{operation}: {why}" + (f" (at {at})" if at else ""))
