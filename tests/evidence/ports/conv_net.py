"""A convolutional network with a batch norm and poolings, in both modes: PyTorch, JAX and Flax."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn

import samestep
from tests.evidence.ports.jax_layers import (
    Values,
    avg_pool,
    batch_norm,
    conv,
    max_pool,
    normal,
    statistics,
    stir,
    weights,
)
from tests.evidence.ports.port import Case, Fault, Port

NEEDS, FLAX = ("torch", "jax"), ("torch", "jax", "flax")
ONE_PASS = "Flax computes the variance of a BatchNorm in one pass, E[x^2] - E[x]^2"


class Pixels(nn.Module):
    """From bytes to [0, 1]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float() / 255


def reference(seed: int, train: bool = True, pixels: bool = False) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(OrderedDict(
        pixels=Pixels() if pixels else nn.Identity(),
        conv1=nn.Conv2d(3, 8, 3, stride=2, padding=1), norm1=nn.BatchNorm2d(8), relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2), conv2=nn.Conv2d(8, 8, 3, padding=1), relu2=nn.ReLU(),
        pool2=nn.AvgPool2d(3, 2, 1), flatten=nn.Flatten(), head=nn.Linear(32, 10),
    ))  # fmt: skip
    stir(model)
    with torch.no_grad():
        model.norm1.weight.mul_(2)  # so that caps would show
    return model.train(train)


@jax.custom_vjp
def backward_factor(x: Any, factor: float) -> Any:
    """x, whose gradient is multiplied by ``factor``."""
    return x


backward_factor.defvjp(lambda x, factor: (x, factor), lambda factor, g: (factor * g, None))


def port(
    p: Any, s: Any, x: Any, *, train: bool = True, divisor: float | None = None, padding: int | str = 1,
    norm: dict[str, Any] | None = None, cap: float | None = None, maximum: bool = True, dilation: int = 1,
    bias: bool = True, gradient: float = 1.0, detach: bool = False, twice: bool = False,
    count_padding: bool = True, channels_last: bool = False,
) -> Any:  # fmt: skip
    """The network on images in PyTorch's layout; all keywords but ``train`` and ``divisor`` are mistakes."""
    if divisor is not None:
        x = samestep.tag(x.astype(jnp.float32) / divisor, "pixels")
    h = samestep.tag(conv(p, x.transpose(0, 2, 3, 1), "conv1", 2, padding), "conv1")
    h, new = batch_norm(p, s, h, "norm1", **{"train": train} | (norm or {}))
    h = jax.nn.relu(samestep.tag(h, "norm1"))
    h = samestep.tag(jnp.minimum(h, cap) if cap else h, "relu1")
    h = samestep.tag(max_pool(h, 2, 2) if maximum else avg_pool(h, 2, 2, 0), "pool1")
    h = backward_factor(h, gradient) if gradient != 1 else h
    h = jax.lax.stop_gradient(h) if detach else h + (h - jax.lax.stop_gradient(h)) if twice else h
    h = samestep.tag(conv(p, h, "conv2", 1, dilation, dilation, bias), "conv2")
    h = samestep.tag(jax.nn.relu(h), "relu2")
    h = samestep.tag(avg_pool(h, 3, 2, 1, count_padding), "pool2")
    h = (h if channels_last else h.transpose(0, 3, 1, 2)).reshape(len(h), -1)
    return h @ p["head.weight"] + p["head.bias"], new


def case(seed: int, train: bool = True, pixels: bool = False, **mistakes: Any) -> Case:
    """PyTorch's network and its port, on 5 images."""
    model = reference(seed, train, pixels)
    call = partial(port, **{"train": train, "divisor": 255.0 if pixels else None} | mistakes)
    return Case(samestep.Model(call, weights(model), statistics(model)), model, images(seed, pixels))


def images(seed: int, pixels: bool = False) -> tuple[np.ndarray]:
    if pixels:
        return (np.random.default_rng(seed).integers(0, 256, (5, 3, 12, 12), np.uint8),)
    return (normal(seed, 5, 3, 12, 12),)


def backwards(seed: int, **mistakes: Any) -> Case:
    """The other direction: a reference in JAX, and its port to PyTorch, which may have the mistakes."""
    model = reference(seed)
    names = dict(model.named_modules())
    p, s = weights(model), statistics(model)
    for place, value in mistakes.items():
        layer, _, attribute = place.partition("_")
        setattr(names[layer], attribute, value)
    return Case(model, samestep.Model(port, p, s), images(seed))


def wrong_values(seed: int, change: Any) -> Case:
    """A port whose parameters are changed by ``change(parameters)``."""
    model = reference(seed)
    p = weights(model)
    change(p)
    return Case(samestep.Model(port, p, statistics(model)), model, images(seed))


def turn(order: tuple[Any, ...], p: Values) -> None:
    p["conv2.weight"] = p["conv2.weight"][order].copy()


def swap_axes(axes: tuple[int, int], p: Values) -> None:
    p["conv2.weight"] = p["conv2.weight"].swapaxes(*axes).copy()


def nudge(p: Values) -> None:
    p["conv2.weight"][1, 1, 3, 4] *= 1.0001


def linen(seed: int, train: bool = False) -> Case:
    """The network in Flax Linen."""
    import flax.linen as linen

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            x = linen.Conv(8, (3, 3), 2, 1, name="conv1")(x.transpose(0, 2, 3, 1))
            x = linen.BatchNorm(not train, momentum=0.9, epsilon=1e-5, name="norm1")(x)
            x = linen.max_pool(linen.relu(x), (2, 2), (2, 2))
            x = linen.relu(linen.Conv(8, (3, 3), name="conv2")(x))
            x = linen.avg_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
            return linen.Dense(10, name="head")(x.transpose(0, 3, 1, 2).reshape(len(x), -1))

    model = reference(seed, train)
    p, s = weights(model), statistics(model)
    params: dict[str, Any] = {name: {"kernel": p[f"{name}.weight"], "bias": p[f"{name}.bias"]}
                              for name in ("conv1", "conv2", "head")}  # fmt: skip
    params["norm1"] = {"scale": p["norm1.weight"], "bias": p["norm1.bias"]}
    running = {"norm1": {"mean": s["norm1.running_mean"], "var": s["norm1.running_var"]}}
    return Case((Net(), {"params": params, "batch_stats": running}), model, images(seed))


def nnx(seed: int, train: bool = False) -> Case:
    """The network in Flax NNX."""
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.conv1 = nnx.Conv(3, 8, (3, 3), 2, padding=1, rngs=rngs)
            self.norm1 = nnx.BatchNorm(8, momentum=0.9, epsilon=1e-5, rngs=rngs)
            self.conv2 = nnx.Conv(8, 8, (3, 3), rngs=rngs)
            self.head = nnx.Linear(32, 10, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            x = self.norm1(self.conv1(x.transpose(0, 2, 3, 1)))
            x = jax.nn.relu(self.conv2(nnx.max_pool(nnx.relu(x), (2, 2), (2, 2))))
            x = nnx.avg_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
            return self.head(x.transpose(0, 3, 1, 2).reshape(len(x), -1))

    model, net = reference(seed, train), Net(nnx.Rngs(seed))
    p, s = weights(model), statistics(model)
    for name in ("conv1", "conv2", "head"):
        getattr(net, name).kernel.value = jnp.asarray(p[f"{name}.weight"])
        getattr(net, name).bias.value = jnp.asarray(p[f"{name}.bias"])
    net.norm1.scale.value, net.norm1.bias.value = map(jnp.asarray, (p["norm1.weight"], p["norm1.bias"]))
    net.norm1.mean.value, net.norm1.var.value = map(jnp.asarray, s.values())
    (net.train if train else net.eval)()
    return Case(net, model, images(seed))


def keras_layout(seed: int) -> Case:
    """A head whose rows lie (height, width, channels), as a port to Keras stores them."""
    model = reference(seed)
    p = weights(model)
    p["head.weight"] = p["head.weight"].reshape(8, 2, 2, 10).transpose(1, 2, 0, 3).reshape(32, 10).copy()
    call = partial(port, channels_last=True)
    return Case(samestep.Model(call, p, statistics(model)), model, images(seed))


PORTS = (
    Port("conv net, train: torch -> JAX", case, NEEDS),
    Port("conv net, eval: torch -> JAX", partial(case, train=False), NEEDS),
    Port("conv net on bytes: torch -> JAX", partial(case, pixels=True), NEEDS),
    Port("conv net, head in Keras's order: torch -> JAX", keras_layout, NEEDS),
    Port("conv net, train: JAX -> torch", backwards, NEEDS),
    Port("conv net, eval: torch -> Linen", linen, FLAX),
    Port("conv net, eval: torch -> NNX", nnx, FLAX),
)
fault = partial(Fault, needs=NEEDS)
STATE = ("state norm1.*",)
FAULTS = (
    fault("conv, SAME for symmetric padding", partial(case, padding="SAME"), places=("conv1",),
          cause="padding"),
    fault("conv, dilation 2", partial(case, dilation=2), places=("conv2",)),
    fault("conv, no bias", partial(case, bias=False), places=("conv2",), cause="bias"),
    fault("conv, kernel flipped", partial(wrong_values, change=partial(turn, (slice(None, None, -1),) * 2)),
          places=("conv2",), cause="flipped"),
    fault("conv, channels transposed", partial(wrong_values, change=partial(swap_axes, (2, 3))),
          places=("conv2",), cause="transposed"),
    fault("conv, height and width swapped", partial(wrong_values, change=partial(swap_axes, (0, 1))),
          places=("conv2",), cause="swapped"),
    fault("conv, one weight x 1.0001", partial(wrong_values, change=nudge), places=("conv2",), cause="alone"),
    fault("BatchNorm eps 1e-3", partial(case, norm={"eps": 1e-3}), places=("norm1",), cause="eps"),
    fault("BatchNorm eps 1e-3, eval", partial(case, train=False, norm={"eps": 1e-3}), places=("norm1",),
          cause="eps"),
    fault("BatchNorm momentum 0.9", partial(case, norm={"momentum": 0.9}), places=STATE, cause="take 0.9"),
    fault("BatchNorm keeps a biased variance", partial(case, norm={"unbiased": False}), places=STATE,
          cause="divided by n "),
    fault("BatchNorm keeps no statistics", partial(case, norm={"frozen": True}), places=STATE,
          cause="not updated"),
    fault("BatchNorm in train for eval", partial(case, train=False, norm={"train": True}), places=("norm1",),
          cause="batch's"),
    fault("BatchNorm in eval for train", partial(case, norm={"train": False}), places=("norm1",),
          cause="running"),
    fault("BatchNorm over each image", partial(case, norm={"axes": (1, 2)}), places=("norm1",)),
    fault("ReLU6 for ReLU", partial(case, cap=6.0), places=("relu1",), cause="6"),
    fault("mean for maximum pooling", partial(case, maximum=False), places=("pool1",)),
    fault("pooling does not count padding", partial(case, count_padding=False), places=("pool2",),
          cause="counted"),
    fault("flattened channels last", partial(case, channels_last=True), places=("output", "head"),
          cause="flatten"),
    fault("gradient x (1 + 1e-6)", partial(case, gradient=1 + 1e-6),
          places=("gradient at pool1", "gradient at relu1"), cause="of itself"),
    fault("gradient detached", partial(case, detach=True), places=("gradient of input 0",), cause="is 0"),
    fault("gradient added twice", partial(case, twice=True), cause="twice",
          places=("gradient at pool1", "gradient at relu1")),
    fault("pixels / 256", partial(case, pixels=True, divisor=256.0), places=("pixels",), cause="of itself"),
    fault("conv net in torch, padding_mode reflect", partial(backwards, conv2_padding_mode="reflect"),
          places=("conv2",)),
    fault("conv net in torch, BatchNorm eps 1e-3", partial(backwards, norm1_eps=1e-3), places=("norm1",)),
    fault("conv net in torch, BatchNorm momentum 0.9", partial(backwards, norm1_momentum=0.9), places=STATE,
          cause="9 times"),
    Fault("Flax keeps a biased variance", partial(linen, train=True), FLAX,
          ("state batch_stats/norm1/var",), "divided by n "),
)  # fmt: skip
