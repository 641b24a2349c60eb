"""The same random numbers for every run, and the user's own generators as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch's, NumPy's and Python's global generators, and put them back afterwards."""
    devices = [device] if device.type == "cuda" else []
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def global_state() -> np.ndarray:
    """Return the state of PyTorch's global generator on the CPU, as bytes."""
    return np.array(torch.get_rng_state().numpy())


def set_global_state(state: np.ndarray) -> None:
    """Put PyTorch's global generator on the CPU into a state of `global_state`."""
    torch.set_rng_state(torch.from_numpy(np.array(state)))
