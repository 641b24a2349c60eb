"""The user's own code, and what it raises, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from samestep.models.subject import ModelError


@contextmanager
def model_errors(what: str) -> Iterator[None]:
    """Say in one line what the user's code raises."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        line = str(error).strip().partition("\n")[0] or "without a message"
        raise ModelError(f"{what} raises {type(error).__name__}: {line}") from error
