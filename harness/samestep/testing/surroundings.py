"""What holds around one comparison: where spreads are kept, and how many threads it takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from samestep import paths

#: Where samestep keeps what it can make again.
CACHE = "SAMESTEP_CACHE"


@contextmanager
def surroundings(cache: Path, threads: int | None) -> Iterator[None]:
    """Keep spreads in ``cache``, and take at most ``threads`` of BLAS and OpenMP, in this block."""
    with ExitStack() as stack:
        if threads is not None:
            import threadpoolctl

            stack.enter_context(threadpoolctl.threadpool_limits(threads))
        before = os.environ.get(CACHE)
        if cache != paths.home():
            os.environ[CACHE] = str(cache)
            stack.callback(_set, before)
        yield


def _set(value: str | None) -> None:
    if value is None:
        del os.environ[CACHE]
    else:
        os.environ[CACHE] = value
