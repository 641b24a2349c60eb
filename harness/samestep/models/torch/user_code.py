"""The user's own code, and what it raises, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from samestep.models.subject import ModelError, first_line


@contextmanager
def model_errors(what: str) -> Iterator[None]:
    """Say in one line what the user's code raises."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{what} raises {type(error).__name__}: {first_line(error)}") from error
