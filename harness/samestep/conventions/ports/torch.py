"""Arrays into PyTorch and out of it."""

from __future__ import annotations

import numpy as np
import torch


def native(array: np.ndarray) -> torch.Tensor:
    """Return a copy of the array as a tensor."""
    return torch.tensor(array)


def plain(tensor: torch.Tensor) -> np.ndarray:
    """Return the tensor as an array."""
    return np.asarray(tensor.detach())
