"""Two residual blocks with batch norms and a strided shortcut: PyTorch, and its ports to JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import torch
from torch import nn
from torch.nn.functional import relu

import samestep
from tests.evidence.ports.jax_layers import batch_norm, conv, normal, statistics, stir, weights
from tests.evidence.ports.port import Case, Fault, Port

NEEDS, FLAX = ("torch", "jax"), ("torch", "jax", "flax")


class Block(nn.Module):
    """Two convolutions beside a shortcut, which is a convolution where the stride is not 1."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.down = nn.Sequential()
        if stride > 1:
            self.down = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(h)) + self.down(x))


class ResNet(nn.Module):
    """A stem, two blocks, a global mean and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.block1, self.block2 = Block(8, 8, 1), Block(8, 12, 2)
        self.head = nn.Linear(12, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.block2(self.block1(relu(self.bn(self.stem(x)))))
        return self.head(h.mean((2, 3)))


def reference(seed: int, train: bool = True) -> nn.Module:
    torch.manual_seed(seed)
    model = ResNet()
    stir(model)
    return model.train(train)


def block(
    p: Any, s: Any, x: Any, name: str, stride: int, train: bool, *, last: str = "after", skip: bool = True,
    detach: bool = False, offset: int = 0, shared: bool = False, swapped: bool = False, factor: float = 1.0,
    relu: bool = True, bare: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """A block; the keywords are mistakes."""
    new: dict[str, Any] = {}

    def norm(x: Any, which: str) -> Any:
        y, more = batch_norm(p, s, x, f"{name}.{which}", train=train)
        new.update(more)
        return y

    h = samestep.tag(conv(p, x, f"{name}.conv1", stride), f"{name}.conv1")
    h = norm(jax.nn.relu(h), "bn1") if swapped else jax.nn.relu(samestep.tag(norm(h, "bn1"), f"{name}.bn1"))
    h = samestep.tag(conv(p, h, f"{name}.conv2"), f"{name}.conv2")
    h = samestep.tag(norm(h, "bn1" if shared else "bn2"), f"{name}.bn2")
    if shared:
        new |= {key: s[key] for key in s if key.startswith(f"{name}.bn2")}
    if stride > 1:
        x = x[:, offset:, offset:] if offset else x
        x = conv(p, x, f"{name}.down.0", stride, 0)
        x = samestep.tag(x if bare else norm(x, "down.1"), f"{name}.down")
        if bare:
            new |= {key: s[key] for key in s if key.startswith(f"{name}.down")}
    x = jax.lax.stop_gradient(x) if detach else x
    x = x if skip else jnp.zeros_like(x)
    h = jax.nn.relu(h) + x if last == "before" else jax.nn.relu(h + factor * x) if relu else h + x
    return samestep.tag(h, f"{name}.relu"), new


def port(
    p: Any, s: Any, x: Any, *, train: bool = True, first: dict[str, Any] | None = None,
    second: dict[str, Any] | None = None, pool: str = "mean",
) -> Any:  # fmt: skip
    """The network; ``first`` and ``second`` are mistakes in a block."""
    h = samestep.tag(conv(p, x.transpose(0, 2, 3, 1), "stem"), "stem")
    h, new = batch_norm(p, s, h, "bn", train=train)
    h = jax.nn.relu(samestep.tag(h, "bn"))
    h, new1 = block(p, s, h, "block1", 1, train, **first or {})
    h, new2 = block(p, s, h, "block2", 2, train, **second or {})
    h = h.sum((1, 2)) if pool == "sum" else h.max((1, 2)) if pool == "max" else h.mean((1, 2))
    return h @ p["head.weight"] + p["head.bias"], new | new1 | new2


def case(seed: int, train: bool = True, jit: bool = False, **mistakes: Any) -> Case:
    """PyTorch's network and its port, on 4 images."""
    model = reference(seed, train)
    call = partial(port, train=train, **mistakes)
    call = jax.jit(call) if jit else call
    return Case(samestep.Model(call, weights(model), statistics(model)), model, (normal(seed, 3, 3, 8, 8),))


def lost(seed: int, name: str = "block1.bn2.bias") -> Case:
    """A parameter that was not loaded: it has its initial value."""
    made = case(seed)
    p = made.candidate.params  # type: ignore[attr-defined]
    p[name] = p[name] * 0
    return made


def linen(seed: int, epsilon: float = 1e-5, fast: bool = False) -> Case:
    """The network in Flax Linen, in eval mode."""
    import flax.linen as linen

    class FlaxBlock(linen.Module):
        features: int
        stride: int

        @linen.compact
        def __call__(self, x: Any) -> Any:
            def norm(name: str) -> Any:
                return linen.BatchNorm(True, epsilon=epsilon, use_fast_variance=fast, name=name)

            def convolution(size: int, stride: int, name: str) -> Any:
                return linen.Conv(self.features, (size, size), stride, size // 2, use_bias=False, name=name)

            h = linen.relu(norm("bn1")(convolution(3, self.stride, "conv1")(x)))
            h = norm("bn2")(convolution(3, 1, "conv2")(h))
            if self.stride > 1:
                x = norm("down_1")(convolution(1, self.stride, "down_0")(x))
            return linen.relu(h + x)

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            x = linen.Conv(8, (3, 3), use_bias=False, name="stem")(x.transpose(0, 2, 3, 1))
            x = linen.relu(linen.BatchNorm(True, epsilon=epsilon, name="bn")(x))
            x = FlaxBlock(12, 2, name="block2")(FlaxBlock(8, 1, name="block1")(x))
            return linen.Dense(10, name="head")(x.mean((1, 2)))

    model = reference(seed, train=False)
    named = {"running_mean": "mean", "running_var": "var", "bias": "bias"}
    variables: dict[str, Any] = {"params": {}, "batch_stats": {}}
    for name, value in {**weights(model), **statistics(model)}.items():
        place = variables["batch_stats" if "running" in name else "params"]
        *path, leaf = name.replace("down.", "down_").split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[named.get(leaf, "kernel" if value.ndim > 1 else "scale")] = value
    return Case((Net(), variables), model, (normal(seed, 3, 3, 8, 8),))


PORTS = (
    Port("ResNet blocks, train: torch -> JAX", case, NEEDS),
    Port("ResNet blocks, eval: torch -> JAX jit", partial(case, train=False, jit=True), NEEDS),
    Port("ResNet blocks, eval: torch -> Linen", linen, FLAX),
)


def fault(name: str, places: tuple[str, ...], cause: str | None = None, **mistakes: Any) -> Fault:
    return Fault(f"ResNet, {name}", partial(case, **mistakes), NEEDS, places, cause)


FAULTS = (
    fault("ReLU before the addition", ("block1.relu",), first={"last": "before"}),
    fault("no ReLU after the addition", ("block1.relu",), "not applied", first={"relu": False}),
    fault("no shortcut", ("block1.relu",), first={"skip": False}),
    fault("shortcut x 0.5", ("block1.relu",), first={"factor": 0.5}),
    fault("shortcut detached", ("gradient at block1.relu",), second={"detach": True}),
    fault("shortcut takes odd rows", ("block2.down",), second={"offset": 1}),
    fault("shortcut without its norm", ("block2.down", "block2.relu"), second={"bare": True}),
    fault("one norm used twice", ("block1.bn2",), first={"shared": True}),
    fault("norm after ReLU", ("block1.conv2", "block1.bn1"), first={"swapped": True}),
    fault("sum pooling", ("output",), pool="sum"),
    fault("maximum pooling", ("output",), pool="max"),
    Fault("ResNet, a bias not loaded", lost, NEEDS, ("block1.bn2",), "bias"),
    Fault("ResNet in Linen, eps 1e-3", partial(linen, epsilon=1e-3), FLAX, ("bn",), "eps"),
)  # fmt: skip
