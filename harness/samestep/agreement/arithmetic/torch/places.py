"""Where in the user's code the engine is at work, so that a refusal can name the line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import torch

from samestep.agreement.arithmetic.program import Refused

#: Code that is not the user's: the engine itself, PyTorch, and what Python puts between.
_FOREIGN = (
    str(Path(torch.__file__).parent),
    str(Path(__file__).parents[3]),
    str(Path(sys.modules["contextlib"].__file__ or "").parent) + "/",
)


def place() -> str:
    """Return "file:line in function" of the innermost frame that is the user's; "" without one.

    In a backward pass that is the line that started it.
    """
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        library = name.startswith(_FOREIGN) and "site-packages" not in name.removeprefix(_FOREIGN[0])
        if not library and not name.startswith("<"):
            return f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def refuse(operation: object, why: str) -> NoReturn:
    """Raise `Refused` that names the operation, the reason and the user's line."""
    at = place()
    raise Refused(f"{operation}: {why}" + (f" (at {at})" if at else ""))
