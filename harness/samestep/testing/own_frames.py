"""A traceback without samestep's own frames: what is left is the test, and the model's code."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TypeVar

E = TypeVar("E", bound=BaseException)

PACKAGE = str(Path(__file__).parents[1])


def without_own_frames(error: E) -> E:
    """Return the exception, and what it was raised from, without frames of this package."""
    seen: BaseException | None = error
    while seen is not None:
        seen.__traceback__ = _filtered(seen.__traceback__)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return error


def _filtered(frames: TracebackType | None) -> TracebackType | None:
    kept = []
    while frames is not None:
        if not frames.tb_frame.f_code.co_filename.startswith(PACKAGE):
            kept.append(frames)
        frames = frames.tb_next
    made: TracebackType | None = None
    for one in reversed(kept):
        made = TracebackType(made, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return made
