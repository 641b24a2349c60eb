"""An exception of an implementation, or of its reference, as a verdict of its cell."""

from __future__ import annotations

import traceback
from bdb import BdbQuit
from pathlib import Path

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation
from samestep.agreement.verdict import ABSTAINS, CRASHED, OUT_OF_MEMORY, UNAVAILABLE, Verdict
from samestep.data import DataError
from samestep.frameworks import Unavailable

#: Packages that implementations are imported as, the catalog's and those of further roots.
IMPLEMENTATIONS = ("samestep.impls.", "impls_")

#: How PyTorch, JAX and TensorFlow say that memory is exhausted: each has its own class for it.
EXHAUSTED = ("OutOfMemoryError", "RESOURCE_EXHAUSTED", "can't allocate memory")

#: What a debugger and `input` raise where standard input has ended: there is nobody to ask.
EMPTY_INPUT: dict[type, str] = {
    EOFError: "reads standard input, which is empty in a worker",
    BdbQuit: "stops at a breakpoint, and standard input is empty in a worker",
}


def failure(error: BaseException) -> Verdict:
    """Return the verdict of an exception: what it was, in one line, and where in the implementation."""
    if isinstance(error, Unavailable | DataError) or lacks_a_package(error):
        return Verdict(UNAVAILABLE, one_line(error))
    if isinstance(error, UnknownOperation):  # the reference's, which says nothing of the implementation
        return Verdict(ABSTAINS, one_line(error))
    what = EMPTY_INPUT.get(type(error)) or one_line(error)
    text = f"{type(error).__name__}: {what}{_place(error)}"
    exhausted = isinstance(error, MemoryError) or any(mark in text for mark in EXHAUSTED)
    return Verdict(OUT_OF_MEMORY if exhausted else CRASHED, text)


def lacks_a_package(error: BaseException) -> bool:
    """Return whether a package is not installed; a misspelled sibling implementation does not count."""
    ours = (*IMPLEMENTATIONS, "samestep.")
    return isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith(ours)


def one_line(error: BaseException) -> str:
    """Return the first line of an exception's message."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"


def _place(error: BaseException) -> str:
    """Return the last line of an implementation that the error passed through."""
    walked = traceback.walk_tb(error.__traceback__)
    own = [(f.f_code.co_filename, line) for f, line in walked
           if f.f_globals.get("__name__", "").startswith(IMPLEMENTATIONS)]  # fmt: skip
    return f" ({Path(own[-1][0]).name}:{own[-1][1]})" if own else ""
