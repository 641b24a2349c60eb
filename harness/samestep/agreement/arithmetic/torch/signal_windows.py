"""Window functions and frequencies of signal processing, which PyTorch makes from whole numbers."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.decompositions import parts_of


def _angles(length: int, periodic: bool, turns: float, how: dict[str, Any]) -> Tensor:
    """``turns`` times 2 pi from the first to the last number; periodic windows end one later."""
    steps = length if periodic else length - 1
    return torch.arange(length, **_dense(how)) * (2 * math.pi * turns / max(steps, 1))


def _dense(how: dict[str, Any]) -> dict[str, Any]:
    return {"dtype": torch.float64, "device": how.get("device")}


@parts_of("hann_window")
def _hann(window_length: int, periodic: bool = True, **how: Any) -> Tensor:
    return _hamming(window_length, periodic, 0.5, 0.5, **how)


@parts_of("hamming_window")
def _hamming(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **how: Any
) -> Tensor:
    if window_length == 1:
        return torch.ones(1, **_dense(how))
    return torch.cos(_angles(window_length, periodic, 1, how)) * -beta + alpha


@parts_of("blackman_window")
def _blackman(window_length: int, periodic: bool = True, **how: Any) -> Tensor:
    if window_length == 1:
        return torch.ones(1, **_dense(how))
    angles = _angles(window_length, periodic, 1, how)
    return torch.cos(angles * 2) * 0.08 - torch.cos(angles) * 0.5 + 0.42


@parts_of("bartlett_window")
def _bartlett(window_length: int, periodic: bool = True, **how: Any) -> Tensor:
    if window_length == 1:
        return torch.ones(1, **_dense(how))
    steps = window_length if periodic else window_length - 1
    rising = torch.arange(window_length, **_dense(how)) * (2 / steps)
    return torch.minimum(rising, 2 - rising)


@parts_of("kaiser_window")
def _kaiser(window_length: int, periodic: bool = True, beta: float = 12.0, **how: Any) -> Tensor:
    if window_length == 1:
        return torch.ones(1, **_dense(how))
    steps = window_length if periodic else window_length - 1
    along = torch.arange(window_length, **_dense(how)) * (2 / steps) - 1
    reach = torch.sqrt((1 - along * along).clamp_min(0)) * beta
    return torch.special.i0(reach) / torch.special.i0(torch.full((), beta, **_dense(how)))


@parts_of("fft_fftfreq")
def _frequencies(n: int, d: float = 1.0, **how: Any) -> Tensor:
    half = (n + 1) // 2
    every = torch.arange(n, **_dense(how))
    return torch.where(every < half, every, every - n) * (1 / (n * d))


@parts_of("fft_rfftfreq")
def _half_frequencies(n: int, d: float = 1.0, **how: Any) -> Tensor:
    return torch.arange(n // 2 + 1, **_dense(how)) * (1 / (n * d))
