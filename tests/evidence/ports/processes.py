"""Work on ports shared out between processes, each with one thread."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def spread_out(work: Callable[..., T], tasks: Sequence[tuple[object, ...]], processes: int) -> Iterator[T]:
    """Yield ``work(*task)`` of every task, in their order."""
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _one_thread) as pool:
        yield from pool.map(work, *zip(*tasks, strict=True)) if tasks else ()


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
