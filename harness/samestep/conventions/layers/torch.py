"""PyTorch: torch.nn and torch.nn.functional."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from samestep.conventions.answers import default, or_word, rough_std
from samestep.conventions.keras_backend import average_pool_same, keras_on

BATCH = [[0.0], [2.0]]


def gelu() -> torch.Tensor:
    return F.gelu(torch.tensor(1.0))


def leaky_relu() -> torch.Tensor:
    return F.leaky_relu(torch.tensor(-1.0))


def hard_sigmoid() -> torch.Tensor:
    return F.hardsigmoid(torch.tensor(1.0))


def hard_swish() -> torch.Tensor:
    return F.hardswish(torch.tensor(1.0))


def silu() -> torch.Tensor:
    return F.silu(torch.tensor(1.0))


def softplus() -> torch.Tensor:
    return F.softplus(torch.tensor(1.0))


def elu() -> torch.Tensor:
    return F.elu(torch.tensor(-1.0))


def dense_weight_shape() -> list[int]:
    return list(nn.Linear(784, 100).weight.shape)


def dense_weight_std() -> float:
    torch.manual_seed(0)
    return rough_std(nn.Linear(784, 100).weight.detach())


def dense_bias_std() -> float:
    torch.manual_seed(0)
    return rough_std(nn.Linear(784, 10_000).bias.detach())


def convolution_weight_shape() -> list[int]:
    return list(nn.Conv2d(3, 8, 5).weight.shape)


def convolution_weight_std() -> float:
    torch.manual_seed(0)
    return rough_std(nn.Conv2d(64, 64, 3).weight.detach())


def convolution_padding() -> int:
    return int(nn.Conv1d(1, 1, 3)(torch.zeros(1, 1, 8)).shape[2])


def convolution_same_stride_2() -> torch.Tensor | str:
    kernel = torch.ones(1, 1, 3)
    padded = lambda: F.conv1d(torch.ones(1, 1, 4), kernel, stride=2, padding="same")[0, 0]  # noqa: E731
    return or_word("raises", RuntimeError, padded)


def average_pool_at_border() -> torch.Tensor:
    return F.avg_pool1d(torch.ones(1, 1, 3), 3, stride=1, padding=1)[0, 0, 0]


def average_pool_same_keras() -> float:
    return average_pool_same(keras_on("torch"))


def embedding_std() -> float:
    torch.manual_seed(0)
    return rough_std(nn.Embedding(1000, 100).weight.detach())


def embedding_padding_gradient() -> torch.Tensor:
    layer = nn.Embedding(3, 1, padding_idx=0)
    layer(torch.tensor([0, 1])).sum().backward()
    return layer.weight.grad[0]


def batch_norm_eps() -> float | None:
    return default(nn.BatchNorm1d, "eps")


def batch_norm_running_mean() -> torch.Tensor:
    layer = nn.BatchNorm1d(1)
    layer(torch.tensor(BATCH))
    return layer.running_mean


def batch_norm_running_variance() -> torch.Tensor:
    layer = nn.BatchNorm1d(1, momentum=1.0)
    layer(torch.tensor(BATCH))
    return layer.running_var


def layer_norm_eps() -> float | None:
    return default(nn.LayerNorm, "eps")


def dropout_survivor() -> torch.Tensor:
    return F.dropout(torch.ones(1000), 0.5).max()


def lstm_forget_bias() -> float:
    torch.manual_seed(0)
    layer = nn.LSTM(1, 1000)
    return abs(round(float((layer.bias_ih_l0 + layer.bias_hh_l0)[1000:2000].mean()), 1))
