"""The port is the same function in training: outputs, loss, gradients, and the running statistics."""

from __future__ import annotations

import numpy as np
import torch
from flax import nnx

import samestep
from examples.resnet.model import ResNet
from examples.resnet.port import ResNet as Port
from examples.resnet.port import load


class ChannelsLast(torch.nn.Module):
    """The PyTorch model on images as Flax lays them out."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x.permute(0, 3, 1, 2))


def test_the_port_is_the_same_in_training():
    torch.manual_seed(0)
    model, port = ResNet().train(), Port(rngs=nnx.Rngs(0))
    load(port, {name: value.numpy() for name, value in model.state_dict().items()})
    port.train()
    rng = np.random.default_rng(0)
    images = rng.standard_normal((5, 12, 12, 3), np.float32)
    samestep.assert_agreement(
        port, ChannelsLast(model), (images,),
        loss="cross_entropy", targets=rng.integers(0, 10, 5), perturb=True,
    )  # fmt: skip
