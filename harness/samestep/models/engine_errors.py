"""What a model raises under an engine alone: the engine cannot follow it, and says so by name."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samestep.agreement.arithmetic.program import Refused
from samestep.models.question import Question
from samestep.models.subject import ModelError, Subject, first_line

#: Code that is not the user's: this package, what is installed, and what Python makes up.
PACKAGE = str(Path(__file__).parents[1])
FOREIGN = ("site-packages", "dist-packages", "importlib", "/lib/python")


@contextmanager
def refusing(subject: Subject, question: Question) -> Iterator[None]:
    """Raise `Refused` for what is raised in this block, where ``subject`` runs without an engine.

    Its message has the exception's type, first line and place, and the exception is its cause. Where the
    model itself raises, that is a `ModelError`.
    """
    try:
        yield
    except (Refused, ModelError):
        raise
    except Exception as error:  # whatever the model or the engine raises: nothing is known then
        subject.run(question)
        line, place = first_line(error), place_of(error)
        raise Refused(
            f"it runs, but under the engine it raises {type(error).__name__}: {line} (at {place})"
        ) from error


def place_of(error: BaseException) -> str:
    """Return "file:line in function" of the innermost frame of the user's, else of the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith(("<", PACKAGE)) and not _is_foreign(f.filename)]
    frame = (own or frames)[-1]
    return f"{frame.filename}:{frame.lineno} in {frame.name}"


def _is_foreign(filename: str) -> bool:
    return any(part in filename for part in FOREIGN)
