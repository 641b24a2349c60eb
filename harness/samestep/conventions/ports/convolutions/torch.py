"""PyTorch: torch.nn.functional."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def same_padding(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, w, stride=2, padding=1)


def same_padding_matched(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    # each axis: max((ceil(n / stride) - 1) * stride + kernel - n, 0) in all, the odd one at the end
    return F.conv2d(F.pad(x, (0, 1, 0, 1)), w, stride=2)


def symmetric_padding(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, w, stride=2, padding=1)


def transposed_convolution(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1)


def depthwise_kernel(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, w, groups=3)


def flatten_order(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.linear(x.flatten(1), w)


def dense_kernel(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.linear(x, w)


def flipped_kernel(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.conv1d(x[None, None], w[None, None])[0, 0]


def average_pool_border(x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1)


def pixel_shuffle(x: torch.Tensor) -> torch.Tensor:
    return F.pixel_shuffle(x, 2)
