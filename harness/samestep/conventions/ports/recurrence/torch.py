"""PyTorch: torch.nn."""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call

#: The names of one layer's weights and biases, in the order of the arguments.
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


def gru(
    x: torch.Tensor, w_ih: torch.Tensor, w_hh: torch.Tensor, b_ih: torch.Tensor, b_hh: torch.Tensor
) -> torch.Tensor:
    weights = dict(zip(NAMES, (w_ih, w_hh, b_ih, b_hh), strict=True))
    return functional_call(nn.GRU(3, 4, batch_first=True), weights, (x,))[0]


def gru_reset_before(
    x: torch.Tensor, w_ih: torch.Tensor, w_hh: torch.Tensor, b: torch.Tensor
) -> torch.Tensor:
    weights = dict(zip(NAMES, (w_ih, w_hh, b, torch.zeros(12)), strict=True))
    return functional_call(nn.GRU(3, 4, batch_first=True), weights, (x,))[0]


def gru_reset_before_matched(
    x: torch.Tensor, w_ih: torch.Tensor, w_hh: torch.Tensor, b: torch.Tensor
) -> torch.Tensor:
    h, states = torch.zeros(2, 4), []
    for step in x.unbind(1):
        r_x, z_x, n_x = (step @ w_ih.T + b).chunk(3, dim=1)
        r, z = torch.sigmoid(r_x + h @ w_hh[:4].T), torch.sigmoid(z_x + h @ w_hh[4:8].T)
        h = (1 - z) * torch.tanh(n_x + (r * h) @ w_hh[8:].T) + z * h
        states.append(h)
    return torch.stack(states, dim=1)


def lstm(
    x: torch.Tensor, w_ih: torch.Tensor, w_hh: torch.Tensor, b_ih: torch.Tensor, b_hh: torch.Tensor
) -> torch.Tensor:
    weights = dict(zip(NAMES, (w_ih, w_hh, b_ih, b_hh), strict=True))
    return functional_call(nn.LSTM(3, 4, batch_first=True), weights, (x,))[0]
