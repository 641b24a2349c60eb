"""Layers for ports to JAX, channels last, and PyTorch's values in the layouts that they have there."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from torch import nn

LAYOUTS = ("NHWC", "HWIO", "NHWC")
Values = dict[str, np.ndarray]


def normal(seed: int, *shape: int) -> np.ndarray:
    """Standard normal float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def weights(module: nn.Module) -> Values:
    """Parameters by PyTorch's names: kernels lie (height, width, in, out), matrices (in, out)."""
    moved = {name: value.detach().numpy() for name, value in module.named_parameters()}
    return {name: value.transpose(*range(2, value.ndim), 1, 0).copy() if value.ndim > 1 else value.copy()
            for name, value in moved.items()}  # fmt: skip


def statistics(module: nn.Module) -> Values:
    """The floating buffers by PyTorch's names: running statistics."""
    return {name: value.numpy().copy() for name, value in module.named_buffers() if value.is_floating_point()}


def stir(module: nn.Module) -> None:
    """Give norms weights, biases and running statistics that do something."""
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d, nn.LayerNorm, nn.RMSNorm)):
            nn.init.normal_(part.weight, 1.5, 0.2)
            if getattr(part, "bias", None) is not None:
                nn.init.normal_(part.bias, 0.0, 0.3)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0.0, 0.3)
            nn.init.uniform_(part.running_var, 0.5, 2.0)


def conv(
    p: Any, x: Any, name: str, stride: int = 1, padding: int | str = 1, dilation: int = 1, bias: bool = True
) -> Any:
    """A convolution; ``padding`` is the same in front and behind, or XLA's "SAME"."""
    around = padding if isinstance(padding, str) else [(padding, padding)] * 2
    kernel = p[f"{name}.weight"]
    y = jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), around, rhs_dilation=(dilation, dilation), dimension_numbers=LAYOUTS
    )
    return y + p[f"{name}.bias"] if bias and f"{name}.bias" in p else y


def max_pool(x: Any, size: int, stride: int, padding: int = 0) -> Any:
    """A maximum over windows."""
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, size, size, 1), (1, stride, stride, 1), _around(padding)
    )


def avg_pool(x: Any, size: int, stride: int, padding: int, count_padding: bool = True) -> Any:
    """A mean over windows; padding counts, or does not."""
    window = (1, size, size, 1), (1, stride, stride, 1), _around(padding)
    total = jax.lax.reduce_window(x, 0.0, jax.lax.add, *window)
    if count_padding:
        return total / size**2
    return total / jax.lax.reduce_window(jnp.ones_like(x), 0.0, jax.lax.add, *window)


def batch_norm(
    p: Any, s: Any, x: Any, name: str, *, train: bool = True, eps: float = 1e-5, momentum: float = 0.1,
    unbiased: bool = True, axes: tuple[int, ...] = (0, 1, 2), frozen: bool = False,
) -> tuple[Any, dict[str, Any]]:  # fmt: skip
    """A batch norm, with its new running statistics as PyTorch keeps them."""
    mean, variance = s[f"{name}.running_mean"], s[f"{name}.running_var"]
    new = {f"{name}.running_mean": mean, f"{name}.running_var": variance}
    if train:
        n = x.size // x.shape[-1]
        old, (mean, variance) = (mean, variance), (x.mean(axes), x.var(axes))
        kept = [statistic.mean(0) if statistic.ndim > 1 else statistic for statistic in (mean, variance)]
        kept[1] = kept[1] * (n / (n - 1)) if unbiased else kept[1]
        if not frozen:
            new = {key: (1 - momentum) * a + momentum * b for key, a, b in zip(new, old, kept, strict=True)}
        if len(axes) == 2:  # each image by itself
            mean, variance = mean[:, None, None], variance[:, None, None]
    y = (x - mean) * jax.lax.rsqrt(variance + eps) * p[f"{name}.weight"] + p[f"{name}.bias"]
    return y, new


def _around(padding: int) -> tuple[tuple[int, int], ...]:
    return (0, 0), (padding, padding), (padding, padding), (0, 0)
