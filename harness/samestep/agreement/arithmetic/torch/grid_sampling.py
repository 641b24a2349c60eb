"""Sampling of images and volumes at the points of a grid, with gradients for both.

Along each axis a point is brought to pixels, then to the inside of the image (at its border or by
reflection), and takes the pixels on both sides of it with the weights 1 - d and d. The slope of a weight is
-1 or 1, times that of what brought the point there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.decompositions import parts_of
from samestep.agreement.arithmetic.torch.places import refuse

LINEAR, NEAREST = 0, 1
ZEROS, BORDER = 0, 1


def _points(grid: Tensor, size: int, padding: int, align: bool) -> tuple[Tensor, Tensor]:
    """Return places in pixels along one axis, and their slopes by the grid's numbers."""
    scale = (size - 1) / 2 if align else size / 2
    at = (grid + 1) * scale if align else ((grid + 1) * size - 1) / 2
    slope = torch.full_like(at, scale)
    if padding == ZEROS:
        return at, slope
    if padding != BORDER:
        at, turned = _reflected(at, *((0.0, size - 1.0) if align else (-0.5, size - 0.5)))
        slope = slope * turned
    inside = (at > 0) & (at < size - 1)
    return at.clamp(0, size - 1), torch.where(inside, slope, 0.0)


def _reflected(at: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Return places between two walls, and whether they run on or back: 1 or -1."""
    span = high - low
    if not span:
        return torch.zeros_like(at), torch.zeros_like(at)
    away = at - low
    distance, sign = away.abs(), torch.where(away < 0, -1.0, 1.0)
    turns = torch.floor(distance / span)
    rest = distance - turns * span
    even = turns % 2 == 0
    return torch.where(even, rest, span - rest) + low, torch.where(even, sign, -sign)


class _Corners:
    """The pixels around each point: places in the flat image, weights, and slopes of these by each axis."""

    def __init__(self, image: Tensor, grid: Tensor, mode: int, padding: int, align: bool) -> None:
        if mode not in (LINEAR, NEAREST):
            refuse("grid_sampler", "no rule for its cubic gradient")
        self.sizes = image.shape[2:]
        axes = len(self.sizes)
        found = [_points(grid[..., axes - 1 - i], n, padding, align) for i, n in enumerate(self.sizes)]
        self.at, self.slopes = [at for at, _ in found], [slope for _, slope in found]
        self.nearest = mode == NEAREST
        whole = torch.round if self.nearest else torch.floor
        self.first = [whole(at).to(torch.int64) for at in self.at]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, list[Tensor]]]:
        for corner in product((0,) if self.nearest else (0, 1), repeat=len(self.sizes)):
            yield self._corner(corner)

    def _corner(self, corner: tuple[int, ...]) -> tuple[Tensor, Tensor, list[Tensor]]:
        pixels = [first + c for first, c in zip(self.first, corner, strict=True)]
        inside = torch.ones_like(self.at[0], dtype=torch.bool)
        flat = torch.zeros_like(pixels[0])
        for pixel, n in zip(pixels, self.sizes, strict=True):
            inside = inside & (pixel >= 0) & (pixel < n)
            flat = flat * n + pixel.clamp(0, n - 1)
        if self.nearest:
            return flat, inside.to(self.at[0].dtype), []
        behind = [at - first.to(at.dtype) for at, first in zip(self.at, self.first, strict=True)]
        parts = [part if c else 1 - part for part, c in zip(behind, corner, strict=True)]
        slopes = []
        for i, c in enumerate(corner):
            others = [part for j, part in enumerate(parts) if j != i]
            slopes.append(torch.where(inside, _multiplied(others) * (1.0 if c else -1.0), 0.0))
        return flat, torch.where(inside, _multiplied(parts), 0.0), slopes


def _multiplied(parts: list[Tensor]) -> Tensor:
    out = parts[0]
    for part in parts[1:]:
        out = out * part
    return out


def _taken(image: Tensor, flat: Tensor) -> Tensor:
    """The pixels at flat places, (batch, channels, points)."""
    places = flat.reshape(flat.shape[0], 1, -1).expand(-1, image.shape[1], -1)
    return image.flatten(2).gather(2, places)


@parts_of("grid_sampler_3d")
def _sampled(image: Tensor, grid: Tensor, mode: int, padding: int, align: bool) -> Tensor:
    out = image.new_zeros(*image.shape[:2], grid[..., 0].numel() // max(grid.shape[0], 1))
    for flat, weight, _ in _Corners(image, grid, mode, padding, align):
        out = out + _taken(image, flat) * weight.flatten(1).unsqueeze(1)
    return out.reshape(*image.shape[:2], *grid.shape[1:-1])


@parts_of("grid_sampler_2d_backward", "grid_sampler_3d_backward")
def _backward(
    g: Tensor, image: Tensor, grid: Tensor, mode: int, padding: int, align: bool, wanted: list[bool]
) -> tuple[Tensor | None, Tensor]:
    corners = _Corners(image, grid, mode, padding, align)
    flow, of_image = g.flatten(2), torch.zeros_like(image).flatten(2)
    along = [torch.zeros_like(at).flatten(1) for at in corners.at]
    for flat, weight, slopes in corners:
        places = flat.reshape(flat.shape[0], 1, -1).expand(flow.shape)
        of_image = of_image.scatter_add(2, places, flow * weight.flatten(1).unsqueeze(1))
        pull = (flow * _taken(image, flat)).sum(1)
        along = [a + pull * s.flatten(1) for a, s in zip(along, slopes, strict=False)] or along
    of_grid = [a * slope.flatten(1) for a, slope in zip(along, corners.slopes, strict=False)]
    of_grid = torch.stack(of_grid[::-1], -1) if not corners.nearest else torch.zeros_like(grid)
    return of_image.reshape(image.shape) if wanted[0] else None, of_grid.reshape(grid.shape)
