"""Mistakes in rotary embeddings: the pairs, the first position, the direction, the base."""

from __future__ import annotations

import numpy as np

from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken


def own_rotary(d: Difference) -> tuple[bool, int, float] | None:
    """Return (interleaved, axis of positions, base) that give the reference's output best."""
    if (
        not d.inputs
        or d.inputs[0].shape != d.expected.shape
        or d.expected.ndim < 2
        or d.expected.shape[-1] % 2
    ):
        return None
    base = d.setting("base", "theta", "rope_theta") or 1e4
    axes = range(max(0, d.expected.ndim - 3), d.expected.ndim - 1)
    ways = [(pairs, axis, base) for pairs in (False, True) for axis in axes]
    return min(ways, key=lambda way: float(np.square(rotate(d.inputs[0], *way) - d.expected).sum()))


def rotate(
    x: np.ndarray, interleaved: bool, axis: int, base: float, offset: int = 0, sign: int = 1
) -> np.ndarray:
    """Return x with its pairs of features rotated by their positions."""
    half = x.shape[-1] // 2
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    positions = np.arange(offset, offset + x.shape[axis], dtype=np.float64).reshape(shape)
    angle = sign * positions * base ** (-np.arange(half) / half)
    first, second = (x[..., ::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    cos, sin = np.cos(angle), np.sin(angle)
    turned = (first * cos - second * sin, first * sin + second * cos)
    return np.stack(turned, -1).reshape(x.shape) if interleaved else np.concatenate(turned, -1)


def rotary(d: Difference) -> Models:
    """Rotary embeddings: which features make a pair, the first position, the direction, the base."""
    if (own := own_rotary(d)) is None:
        return
    x, (interleaved, axis, base) = d.inputs[0], own
    check = rotate(x, interleaved, axis, base)
    names = ("halves", "neighbours")
    words = f"rotary pairs are {names[not interleaved]}, where the reference pairs {names[interleaved]}"
    yield fixed(rotate(x, not interleaved, axis, base), words, check=check)
    for offset in (1, -1):
        yield fixed(rotate(x, interleaved, axis, base, offset), f"positions start at {offset}", check=check)
    yield fixed(rotate(x, interleaved, axis, base, 0, -1), "rotary angles have the other sign", check=check)
    yield Model(
        lambda value: rotate(x, interleaved, axis, value),
        lambda value: f"the rotary base is {spoken(value)}, where the reference has {spoken(base)}",
        (1e3, 1e4, 1e5, 5e5, 1e6),
        free=True,
        check=check,
        logarithmic=True,
    )
