"""PyTorch: torch.nn.functional."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def antialias(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (4, 4), mode="bilinear")


def antialias_on(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (4, 4), mode="bilinear")


def antialias_on_matched(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (4, 4), mode="bilinear", antialias=True)


def bicubic(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (8, 8), mode="bicubic")


def bicubic_matched(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (8, 8), mode="bicubic", antialias=True)


def align_corners(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (7, 7), mode="bilinear")


def align_corners_matched(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (7, 7), mode="bilinear", align_corners=True)


def nearest(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (3, 3), mode="nearest")


def nearest_matched(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, (3, 3), mode="nearest-exact")
