"""PyTorch: torch.nn.functional."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def gelu(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x)


def gelu_tanh(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x)


def gelu_tanh_matched(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x, approximate="tanh")


def quick_gelu(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x)


def quick_gelu_matched(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(1.702 * x)


def leaky_relu(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x)
