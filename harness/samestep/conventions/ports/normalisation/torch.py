"""PyTorch: torch.nn."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def layer_norm_eps(x: torch.Tensor) -> torch.Tensor:
    return nn.LayerNorm(8)(x)


def one_pass_variance(x: torch.Tensor) -> torch.Tensor:
    return nn.LayerNorm(8)(x)


def batch_norm_eps(x: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    layer = nn.BatchNorm1d(8).eval()
    layer.load_state_dict({"running_mean": mean, "running_var": variance}, strict=False)
    return layer(x)


def batch_norm_running(x: torch.Tensor) -> torch.Tensor:
    layer = nn.BatchNorm1d(8)
    layer(x)
    return layer.running_var


def group_norm_eps(x: torch.Tensor) -> torch.Tensor:
    return nn.GroupNorm(2, 4)(x)


def rms_norm_eps(x: torch.Tensor) -> torch.Tensor:
    return nn.RMSNorm(8)(x)


def rms_norm_eps_matched(x: torch.Tensor) -> torch.Tensor:
    return nn.RMSNorm(8, eps=1e-6)(x)


def unit_length(x: torch.Tensor) -> torch.Tensor:
    return F.normalize(x, dim=-1)
