"""A model that is built where it is needed: a reference to be recorded, a candidate to be judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Deferred:
    """What ``build()`` returns, once it is asked for."""

    build: Callable[[], object]


def built(model: object) -> object:
    """Return a model, built now if it was deferred."""
    __tracebackhide__ = True
    return model.build() if isinstance(model, Deferred) else model
