"""PyTorch: torch.nn and torch.nn.functional."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from samestep.conventions.answers import default, or_word, spread

BATCH = [[0.0], [2.0]]


def gelu() -> Any:
    return F.gelu(torch.tensor(1.0))


def leaky_relu() -> Any:
    return F.leaky_relu(torch.tensor(-1.0))


def hard_sigmoid() -> Any:
    return F.hardsigmoid(torch.tensor(1.0))


def elu() -> Any:
    return F.elu(torch.tensor(-1.0))


def dense_weight_shape() -> Any:
    return list(nn.Linear(784, 100).weight.shape)


def dense_weight_std() -> Any:
    torch.manual_seed(0)
    return spread(nn.Linear(784, 100).weight.detach())


def dense_bias_std() -> Any:
    torch.manual_seed(0)
    return spread(nn.Linear(784, 10_000).bias.detach())


def convolution_weight_shape() -> Any:
    return list(nn.Conv2d(3, 8, 5).weight.shape)


def convolution_weight_std() -> Any:
    torch.manual_seed(0)
    return spread(nn.Conv2d(64, 64, 3).weight.detach())


def convolution_padding() -> Any:
    return nn.Conv1d(1, 1, 3)(torch.zeros(1, 1, 8)).shape[2]


def convolution_same_stride_2() -> Any:
    kernel = torch.ones(1, 1, 3)
    padded = lambda: F.conv1d(torch.ones(1, 1, 4), kernel, stride=2, padding="same")[0, 0]  # noqa: E731
    return or_word("raises", RuntimeError, padded)


def average_pool_at_border() -> Any:
    return F.avg_pool1d(torch.ones(1, 1, 3), 3, stride=1, padding=1)[0, 0, 0]


def embedding_std() -> Any:
    torch.manual_seed(0)
    return spread(nn.Embedding(1000, 100).weight.detach())


def batch_norm_eps() -> Any:
    return default(nn.BatchNorm1d, "eps")


def batch_norm_running_mean() -> Any:
    layer = nn.BatchNorm1d(1)
    layer(torch.tensor(BATCH))
    return layer.running_mean


def batch_norm_running_variance() -> Any:
    layer = nn.BatchNorm1d(1, momentum=1.0)
    layer(torch.tensor(BATCH))
    return layer.running_var


def layer_norm_eps() -> Any:
    return default(nn.LayerNorm, "eps")


def dropout_survivor() -> Any:
    return F.dropout(torch.ones(1000), 0.5).max()


def lstm_forget_bias() -> Any:
    torch.manual_seed(0)
    layer = nn.LSTM(1, 1000)
    return abs(round(float((layer.bias_ih_l0 + layer.bias_hh_l0)[1000:2000].mean()), 1))
