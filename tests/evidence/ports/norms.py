"""Norms between two layers: GroupNorm, InstanceNorm, LayerNorm and RMSNorm, in all libraries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import torch
from torch import nn

import samestep
from tests.evidence.ports.jax_layers import conv, normal, stir, weights
from tests.evidence.ports.port import Case, Fault, Port

NEEDS, FLAX, EQUINOX = ("torch", "jax"), ("torch", "jax", "flax"), ("torch", "jax", "equinox")
ONE_PASS = "Flax computes the variance in one pass, E[x^2] - E[x]^2"
ON_IMAGES = {"group": lambda: nn.GroupNorm(4, 16), "instance": lambda: nn.InstanceNorm2d(16, affine=True)}
ON_ROWS = {"layer": lambda: nn.LayerNorm(24), "rms": lambda: nn.RMSNorm(24, eps=1e-6)}


def reference(seed: int, kind: str) -> nn.Module:
    torch.manual_seed(seed)
    if kind in ON_IMAGES:
        model = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), ON_IMAGES[kind](), nn.SiLU(), nn.Conv2d(16, 4, 1)
        )
    else:
        model = nn.Sequential(nn.Linear(20, 24), ON_ROWS[kind](), nn.GELU(), nn.Linear(24, 8))
    stir(model)
    return model


def inputs(seed: int, kind: str) -> tuple[Any]:
    return (normal(seed, 4, 3, 12, 12) if kind in ON_IMAGES else normal(seed, 4, 9, 20),)


def grouped(
    p: Any, x: Any, *, groups: int, eps: float = 1e-5, interleaved: bool = False, batch: bool = False,
    place: str = "root",
) -> Any:  # fmt: skip
    """A GroupNorm on images with channels last; as many groups as channels are an InstanceNorm."""
    size = x.shape[-1] // groups
    parts = x.reshape(*x.shape[:-1], *((size, groups) if interleaved else (groups, size)))
    axes = ((0,) if batch else ()) + ((1, 2, 3) if interleaved else (1, 2, 4))
    mean, variance = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
    divisor = jnp.sqrt(variance + eps) if place == "root" else jnp.sqrt(variance) + eps
    return ((parts - mean) / divisor).reshape(x.shape) * p["1.weight"] + p["1.bias"]


def rms(
    p: Any, x: Any, *, eps: float = 1e-6, centred: bool = False, axis: int = -1, plus_one: bool = False,
    place: str = "root",
) -> Any:  # fmt: skip
    """An RMSNorm."""
    h = x - x.mean(-1, keepdims=True) if centred else x
    squares = jnp.square(h).mean(axis, keepdims=True)
    h = h / (jnp.sqrt(squares) + eps) if place == "outside" else h * jax.lax.rsqrt(squares + eps)
    return h * (p["1.weight"] + 1 if plus_one else p["1.weight"])


def layer(
    p: Any, x: Any, *, eps: float = 1e-5, axis: Any = -1, ddof: int = 0, one_pass: bool = False,
    bias: bool = True,
) -> Any:  # fmt: skip
    """A LayerNorm."""
    mean = x.mean(axis, keepdims=True)
    variance = x.var(axis, keepdims=True, ddof=ddof)
    if one_pass:
        variance = jnp.square(x).mean(axis, keepdims=True) - jnp.square(mean)
    h = (x - mean) * jax.lax.rsqrt(variance + eps) * p["1.weight"]
    return h + p["1.bias"] if bias else h


NORMS: dict[str, Callable[..., Any]] = {
    "group": partial(grouped, groups=4), "instance": partial(grouped, groups=16), "layer": layer, "rms": rms,
}  # fmt: skip


def port(p: Any, x: Any, *, kind: str, shift: float = 0.0, **mistakes: Any) -> Any:
    """The network; ``shift`` moves what the norm gets, and the rest are mistakes in the norm."""
    norm = partial(NORMS[kind], **mistakes)
    if kind in ON_IMAGES:
        h = samestep.tag(conv(p, x.transpose(0, 2, 3, 1), "0"), "first")
        h = samestep.tag(norm(p, h), "norm")
        return conv(p, jax.nn.silu(h), "3", padding=0).transpose(0, 3, 1, 2)
    h = samestep.tag(x @ p["0.weight"] + p["0.bias"], "first")
    h = samestep.tag(norm(p, h), "norm")
    return jax.nn.gelu(h, approximate=False) @ p["3.weight"] + p["3.bias"]


def case(seed: int, kind: str, shift: float = 0.0, **mistakes: Any) -> Case:
    """PyTorch's network and its port; ``shift`` is added to what the norm gets, through the first bias."""
    model = reference(seed, kind)
    with torch.no_grad():
        model[0].bias.add_(shift)
    return Case(
        samestep.Model(partial(port, kind=kind, **mistakes), weights(model)), model, inputs(seed, kind)
    )


def linen(seed: int, kind: str, shift: float = 0.0, **settings: Any) -> Case:
    """The network in Flax Linen."""
    import flax.linen as linen

    eps = {"epsilon": 1e-6 if kind == "rms" else 1e-5} | settings
    norms = {"group": partial(linen.GroupNorm, 4), "instance": linen.InstanceNorm, "layer": linen.LayerNorm,
             "rms": linen.RMSNorm}  # fmt: skip

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            if kind in ON_ROWS:
                h = norms[kind](**eps, name="norm")(linen.Dense(24, name="first")(x))
                return linen.Dense(8, name="last")(linen.gelu(h, approximate=False))
            h = linen.Conv(16, (3, 3), name="first")(x.transpose(0, 2, 3, 1))
            h = linen.silu(norms[kind](**eps, name="norm")(h))
            return linen.Conv(4, (1, 1), name="last")(h).transpose(0, 3, 1, 2)

    made = case(seed, kind, shift)
    p = made.candidate.params  # type: ignore[attr-defined]
    params = {
        name: {"kernel": p[f"{i}.weight"], "bias": p[f"{i}.bias"]} for i, name in ((0, "first"), (3, "last"))
    }
    params["norm"] = {"scale": p["1.weight"]} | ({"bias": p["1.bias"]} if kind != "rms" else {})
    return Case((Net(), {"params": params}), made.reference, made.inputs)


def equinox(seed: int, kind: str, **settings: Any) -> Case:
    """The network in Equinox: of one row or image, mapped over the batch."""
    import equinox as eqx

    model, key = reference(seed, kind), jax.random.key(seed)
    norms = {"group": lambda: eqx.nn.GroupNorm(4, 16, **settings),
             "layer": lambda: eqx.nn.LayerNorm(24, **settings),
             "rms": lambda: eqx.nn.RMSNorm(24, eps=1e-6, use_bias=False, **settings)}  # fmt: skip

    class Net(eqx.Module):
        first: eqx.Module
        norm: eqx.Module
        last: eqx.Module

        def __call__(self, x: Any) -> Any:
            if kind in ON_IMAGES:
                return self.last(jax.nn.silu(self.norm(self.first(x))))
            each = lambda x: self.last(jax.nn.gelu(self.norm(self.first(x)), approximate=False))  # noqa: E731
            return jax.vmap(each)(x)

    if kind in ON_IMAGES:
        ends = eqx.nn.Conv2d(3, 16, 3, padding=1, key=key), eqx.nn.Conv2d(16, 4, 1, key=key)
    else:
        ends = eqx.nn.Linear(20, 24, key=key), eqx.nn.Linear(24, 8, key=key)
    net = Net(ends[0], norms[kind](), ends[1])
    for name, index in (("first", 0), ("norm", 1), ("last", 3)):
        for leaf, value in model[index].named_parameters():
            own = getattr(getattr(net, name), leaf)
            new = jnp.asarray(value.detach().numpy()).reshape(own.shape)
            net = eqx.tree_at(lambda n, name=name, leaf=leaf: getattr(getattr(n, name), leaf), net, new)
    return Case(eqx.filter_vmap(net), model, inputs(seed, kind))


PORTS = (
    Port("GroupNorm: torch -> JAX", partial(case, kind="group"), NEEDS),
    Port("InstanceNorm: torch -> JAX", partial(case, kind="instance"), NEEDS),
    Port("RMSNorm: torch -> JAX", partial(case, kind="rms"), NEEDS),
    Port("LayerNorm at mean 100: torch -> JAX", partial(case, kind="layer", shift=100.0), NEEDS),
    Port("LayerNorm at mean 100: torch -> Linen", partial(linen, kind="layer", shift=100.0), FLAX, ONE_PASS),
    Port("GroupNorm: torch -> Linen", partial(linen, kind="group"), FLAX, ONE_PASS),
    Port("InstanceNorm: torch -> Linen", partial(linen, kind="instance"), FLAX, ONE_PASS),
    Port("RMSNorm: torch -> Linen", partial(linen, kind="rms"), FLAX),
    Port("GroupNorm: torch -> Equinox", partial(equinox, kind="group"), EQUINOX),
    Port("LayerNorm: torch -> Equinox", partial(equinox, kind="layer"), EQUINOX),
    Port("RMSNorm: torch -> Equinox", partial(equinox, kind="rms"), EQUINOX),
)


def fault(name: str, kind: str, cause: str | None = None, **mistakes: Any) -> Fault:
    return Fault(name, partial(case, kind=kind, **mistakes), NEEDS, ("norm",), cause)


FAULTS = (
    fault("GroupNorm, every n-th channel", "group", "every n-th", interleaved=True),
    fault("GroupNorm, 8 groups", "group", "8 groups", groups=8),
    fault("GroupNorm eps 1e-6", "group", "eps", eps=1e-6),
    fault("GroupNorm over the batch", "group", batch=True),
    fault("InstanceNorm as LayerNorm", "instance", "1 groups", groups=1),
    fault("InstanceNorm, eps outside of the root", "instance", "standard deviation", place="outside"),
    fault("RMSNorm subtracts the mean", "rms", "mean is subtracted", centred=True),
    fault("RMSNorm eps 1e-5", "rms", "eps", eps=1e-5),
    fault("RMSNorm, eps outside of the root", "rms", "standard deviation", place="outside"),
    fault("RMSNorm weight 1 + w", "rms", "1 + w", plus_one=True),
    fault("RMSNorm over positions", "rms", "axis 1", axis=1),
    fault("LayerNorm over positions too", "layer", "axes (1, 2)", axis=(1, 2)),
    fault("LayerNorm without its bias", "layer", "bias is missing", bias=False),
    Fault("LayerNorm in one pass at mean 100", partial(case, kind="layer", shift=100.0, one_pass=True), NEEDS,
          ("norm",), None, ("weaker",)),
    Fault("GroupNorm with Flax's default eps", partial(linen, kind="group", epsilon=1e-6), FLAX, ("norm",),
          "eps"),
    Fault("LayerNorm eps 1e-3 in Equinox", partial(equinox, kind="layer", eps=1e-3), EQUINOX, ("norm",),
          "eps"),
)  # fmt: skip
