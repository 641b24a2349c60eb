"""A multilayer perceptron with LayerNorm and GELU: PyTorch, and its port to JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn

import samestep
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "jax")


def reference(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(32, 48), nn.GELU(), nn.LayerNorm(48), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 10)
    )
    with torch.no_grad():  # norms that do something
        model[2].weight.add_(0.1 * torch.randn(48))
        model[2].bias.add_(0.1 * torch.randn(48))
    return model


def parameters(model: nn.Module, transpose: bool = True) -> dict[str, np.ndarray]:
    """The port's parameters: kernels lie (in, out)."""
    state = {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}
    return {name: value.T.copy() if value.ndim == 2 and transpose else value for name, value in state.items()}


def port(
    p: dict[str, Any], x: Any, *, eps: float = 1e-5, tanh: bool = False, ddof: int = 0, slope: float = 0.0,
    square: bool = True, gain: float = 1.0,
) -> Any:  # fmt: skip
    """The network; the keywords are mistakes."""
    h = samestep.tag(x @ p["0.weight"] + p["0.bias"], "hidden1")
    h = samestep.tag(jax.nn.gelu(h, approximate=tanh), "gelu")
    mean = h.mean(-1, keepdims=True)
    variance = jnp.square(h - mean).sum(-1, keepdims=True) / (h.shape[-1] - ddof)
    h = samestep.tag((h - mean) / jnp.sqrt(variance + eps) * p["2.weight"] + p["2.bias"], "norm")
    kernel = p["3.weight"] if square else p["3.weight"].T
    h = samestep.tag(h @ kernel + p["3.bias"], "hidden2")
    h = samestep.tag(jnp.where(h > 0, h, slope * h) if slope else jax.nn.relu(h), "relu")
    return gain * (h @ p["5.weight"] + p["5.bias"])


def case(seed: int, **mistakes: Any) -> Case:
    """The port on 16 rows; a mistake is a keyword of `port`."""
    model = reference(seed)
    x = np.random.default_rng(seed).standard_normal((16, 32)).astype(np.float32)
    call = partial(port, **mistakes) if mistakes else port
    return Case(samestep.Model(call, parameters(model)), model, (x,))


PORTS = (Port("mlp: torch -> JAX", case, NEEDS),)
FAULTS = (
    Fault("LayerNorm eps 1e-3", partial(case, eps=1e-3), NEEDS, ("norm",), "eps"),
    Fault("LayerNorm eps 1.01e-5", partial(case, eps=1.01e-5), NEEDS, ("norm",), "eps"),
    Fault("LayerNorm variance / (n - 1)", partial(case, ddof=1), NEEDS, ("norm",), "n - 1"),
    Fault("GELU by tanh", partial(case, tanh=True), NEEDS, ("gelu",), "tanh"),
    Fault("leaky ReLU 0.01", partial(case, slope=0.01), NEEDS, ("relu",), "slope"),
    Fault("square kernel transposed", partial(case, square=False), NEEDS, ("hidden2",), "transposed"),
    Fault("outputs x (1 + 1e-6)", partial(case, gain=1 + 1e-6), NEEDS, ("output", "5"), "of itself"),
)
