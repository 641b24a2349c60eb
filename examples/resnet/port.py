"""The same network in Flax NNX, for images (batch, height, width, channels)."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array


class BatchNorm(nnx.BatchNorm):
    """PyTorch's batch norm: its running variance takes the batch's divided by n - 1, Flax's by n."""

    def __init__(self, features: int, rngs: nnx.Rngs) -> None:
        super().__init__(features, momentum=0.9, epsilon=1e-5, use_fast_variance=False, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        before, n = self.var[...], x.size // x.shape[-1]
        y = super().__call__(x)
        if not self.use_running_average:
            kept = self.momentum * before
            self.var[...] = kept + (self.var[...] - kept) * n / (n - 1)
        return y


def conv(inputs: int, outputs: int, size: int, stride: int, rngs: nnx.Rngs) -> nnx.Conv:
    """A convolution with PyTorch's symmetric padding."""
    return nnx.Conv(
        inputs, outputs, (size, size), stride, padding=size // 2, use_bias=False, rngs=rngs
    )  # fmt: skip


class Block(nnx.Module):
    """Two convolutions beside a shortcut, which is a convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, rngs: nnx.Rngs) -> None:
        self.conv1 = conv(inputs, outputs, 3, stride, rngs)
        self.norm1 = BatchNorm(outputs, rngs)
        self.conv2 = conv(outputs, outputs, 3, 1, rngs)
        self.norm2 = BatchNorm(outputs, rngs)
        self.changes = stride != 1 or inputs != outputs
        if self.changes:
            self.shortcut_conv = conv(inputs, outputs, 1, stride, rngs)
            self.shortcut_norm = BatchNorm(outputs, rngs)

    def __call__(self, x: Array) -> Array:
        h = nnx.relu(self.norm1(self.conv1(x)))
        h = self.norm2(self.conv2(h))
        return nnx.relu(h + (self.shortcut_norm(self.shortcut_conv(x)) if self.changes else x))


class ResNet(nnx.Module):
    """A stem with a pooling, two blocks, a mean over the image, and a head: logits (batch, classes)."""

    def __init__(self, channels: int = 3, width: int = 4, classes: int = 10, *, rngs: nnx.Rngs) -> None:
        self.stem = conv(channels, width, 3, 1, rngs)
        self.norm = BatchNorm(width, rngs)
        self.blocks = nnx.List([Block(width, width, 1, rngs), Block(width, 2 * width, 2, rngs)])
        self.head = nnx.Linear(2 * width, classes, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.norm(self.stem(x)))
        x = nnx.max_pool(x, (3, 3), (2, 2), padding=((1, 1), (1, 1)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((1, 2)))


def load(model: ResNet, values: Mapping[str, np.ndarray]) -> None:
    """Put the PyTorch model's parameters and running statistics, by name, into the port."""
    leaves = {"kernel": "weight", "scale": "weight", "mean": "running_mean", "var": "running_var"}
    names = {"shortcut_conv": "shortcut.0", "shortcut_norm": "shortcut.1"}
    state = nnx.state(model, (nnx.Param, nnx.BatchStat))
    for path, variable in nnx.to_flat_state(state):
        *layer, leaf = (str(part) for part in path)
        value = values[".".join([*(names.get(part, part) for part in layer), leaves.get(leaf, leaf)])]
        order = {4: (2, 3, 1, 0), 2: (1, 0)}.get(value.ndim, (0,))
        variable[...] = jnp.asarray(value.transpose(order))
    nnx.update(model, state)
