"""An exception of an implementation, of its reference or of samestep itself, as a verdict of its cell."""

from __future__ import annotations

import traceback
from bdb import BdbQuit
from pathlib import Path

from samestep.agreement.verdict import CRASHED, OUT_OF_MEMORY, UNAVAILABLE, Verdict
from samestep.data import DataError
from samestep.frameworks import Unavailable

#: Packages that implementations are imported as, the catalog's and those of further roots.
IMPLEMENTATIONS = ("samestep.impls.", "impls_")

#: Where samestep calls implementations and frameworks: what is raised there is theirs.
CALLERS = (
    "samestep.frameworks.", "samestep.conventions.", "samestep.measure.",
    "samestep.agreement.examination.native_calls",
)  # fmt: skip

#: What the machine or the installation raises, wherever it is met.
SURROUNDINGS = (OSError, ImportError, SyntaxError)

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
    what = EMPTY_INPUT.get(type(error)) or one_line(error)
    text = f"{type(error).__name__}: {what}{_place(error, IMPLEMENTATIONS)}"
    if isinstance(error, MemoryError) or any(mark in text for mark in EXHAUSTED):
        return Verdict(OUT_OF_MEMORY, text)
    if _is_own(error):
        text = f"samestep itself failed: {text}{_place(error, ('samestep.',))}; please report it"
    return Verdict(CRASHED, text)


def lacks_a_package(error: BaseException) -> bool:
    """Return whether a package is not installed; a misspelled sibling implementation does not count."""
    ours = (*IMPLEMENTATIONS, "samestep.")
    return isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith(ours)


def one_line(error: BaseException) -> str:
    """Return the first line of an exception's message."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"


def _is_own(error: BaseException) -> bool:
    """Return whether samestep's own code raised it, in no implementation and in no call of one."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = [name for name in modules if name.startswith("samestep.")]
    if isinstance(error, SURROUNDINGS) or any(name.startswith(IMPLEMENTATIONS) for name in modules):
        return False
    return bool(own) and not own[-1].startswith(CALLERS)


def _place(error: BaseException, packages: tuple[str, ...]) -> str:
    """Return the last line of these packages that the error passed through."""
    walked = traceback.walk_tb(error.__traceback__)
    own = [(f.f_code.co_filename, line) for f, line in walked
           if f.f_globals.get("__name__", "").startswith(packages)]  # fmt: skip
    return f" ({Path(own[-1][0]).name}:{own[-1][1]})" if own else ""
