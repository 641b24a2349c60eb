"""Layers of torch.nn beside their namesakes of Flax, as each library has them by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

import samestep
from tests.evidence.libraries.pair import Pair
from tests.evidence.ports.jax_layers import normal, stir
from tests.evidence.ports.port import Case

Arrays = Mapping[str, np.ndarray]
IMAGES = (2, 6, 9, 9)


class ChannelsLast(nn.Module):
    """A layer on images as Flax lays them out."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return y


class Itself(nn.Module):
    """Attention of a sequence to itself."""

    def __init__(self, layer: nn.MultiheadAttention) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x, x, x, need_weights=False)[0]
        return y


class States(nn.Module):
    """A recurrent layer's output at every step."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x)[0]
        return y


def case(theirs: Callable[[], nn.Module], mine: Callable[[Any], Any], params: Callable[[Arrays], Any],
         shape: tuple[int, ...] = IMAGES) -> Case:  # fmt: skip
    """PyTorch's layer and Flax's (``mine`` makes it of flax.linen) with the parameters that ``params`` converts."""
    from flax import linen

    torch.manual_seed(0)
    model = theirs().eval()
    stir(model)
    inner = getattr(model, "layer", model)
    for parameter in inner.parameters():  # biases of 0 hide what is added
        if parameter.ndim < 2 and not parameter.any():
            nn.init.normal_(parameter)
    state = {name: value.detach().numpy() for name, value in inner.state_dict().items()}
    images = isinstance(model, ChannelsLast)
    x = normal(0, *shape)
    x = x.transpose(0, 2, 3, 1).copy() if images else x
    return Case(samestep.Model(mine(linen).apply, params(state)), model, (x,), {"replicas": 12})


def own(**leaves: np.ndarray) -> Any:
    return {"params": leaves}


def kernel(s: Arrays, order: tuple[int, ...]) -> Any:
    return own(kernel=s["weight"].transpose(order).copy(), bias=s["bias"])


def scaled(s: Arrays) -> Any:
    return own(scale=s["weight"], bias=s["bias"])


def normed(s: Arrays) -> Any:
    return {**scaled(s), "batch_stats": {"mean": s["running_mean"], "var": s["running_var"]}}


def none(s: Arrays) -> Any:
    return {}


def attended(s: Arrays, heads: int = 2) -> Any:
    """Parameters of MultiHeadDotProductAttention, which cuts its kernels into heads."""
    width = s["in_proj_weight"].shape[1]
    parts = zip(
        ("query", "key", "value"),
        np.split(s["in_proj_weight"], 3),
        np.split(s["in_proj_bias"], 3),
        strict=True,
    )
    found = {
        name: {"kernel": w.T.reshape(width, heads, -1), "bias": b.reshape(heads, -1)} for name, w, b in parts
    }
    out = {"kernel": s["out_proj.weight"].T.reshape(heads, -1, width), "bias": s["out_proj.bias"]}
    return {"params": {**found, "out": out}}


def lstm(s: Arrays) -> Any:
    """Parameters of OptimizedLSTMCell: gates i, f, g, o by name; PyTorch's two biases are one."""
    w, u = np.split(s["weight_ih_l0"], 4), np.split(s["weight_hh_l0"], 4)
    biases = np.split(s["bias_ih_l0"] + s["bias_hh_l0"], 4)
    cell = {f"i{gate}": {"kernel": part.T} for gate, part in zip("ifgo", w, strict=True)}
    for gate, part, bias in zip("ifgo", u, biases, strict=True):
        cell[f"h{gate}"] = {"kernel": part.T, "bias": bias}
    return {"params": {"cell": cell}}


def gru(s: Arrays, order: str = "rzn") -> Any:
    """Parameters of GRUCell: gates r, z, n by name; only n has a bias on its recurrent part."""
    w, u = np.split(s["weight_ih_l0"], 3), np.split(s["weight_hh_l0"], 3)
    b, c = np.split(s["bias_ih_l0"], 3), np.split(s["bias_hh_l0"], 3)
    cell: dict[str, Any] = {}
    for i, gate in enumerate(order):
        cell[f"i{gate}"] = {"kernel": w[i].T, "bias": b[i] if gate == "n" else b[i] + c[i]}
        cell[f"h{gate}"] = {"kernel": u[i].T} | ({"bias": c[i]} if gate == "n" else {})
    return {"params": {"cell": cell}}


def images(layer: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: ChannelsLast(layer())


def window(name: str, **settings: Any) -> Callable[[Any], Any]:
    """A function of flax.linen as a module without parameters."""

    def make(linen: Any) -> Any:
        class Window(linen.Module):
            def __call__(self, x: Any) -> Any:
                return getattr(linen, name)(x, **settings)

        return Window()

    return make


SEQUENCE, OIHW, IOHW = (3, 5, 8), (2, 3, 1, 0), (2, 3, 0, 1)
AROUND = [(1, 1), (1, 1)]
POOLED = {"window_shape": (3, 3), "strides": (2, 2), "padding": AROUND}
TURNED = images(lambda: nn.ConvTranspose2d(6, 4, 3, 2, 1))
RIGHT = {
    "Linear, Dense": partial(case, lambda: nn.Linear(8, 6), lambda f: f.Dense(6), lambda s: kernel(s, (1, 0)), SEQUENCE),
    "Conv2d, Conv": partial(case, images(lambda: nn.Conv2d(6, 4, 3, 2, 1)), lambda f: f.Conv(4, (3, 3), 2, 1),
                            lambda s: kernel(s, OIHW)),
    "ConvTranspose2d, ConvTranspose": partial(
        case, TURNED, lambda f: f.ConvTranspose(4, (3, 3), (2, 2), [(1, 1), (1, 1)], transpose_kernel=True),
        lambda s: kernel(s, OIHW)),
    "LayerNorm": partial(case, lambda: nn.LayerNorm(8), lambda f: f.LayerNorm(epsilon=1e-5, use_fast_variance=False),
                         scaled, SEQUENCE),
    "GroupNorm": partial(case, images(lambda: nn.GroupNorm(3, 6)),
                         lambda f: f.GroupNorm(3, epsilon=1e-5, use_fast_variance=False), scaled),
    "BatchNorm2d, BatchNorm": partial(case, images(lambda: nn.BatchNorm2d(6)), lambda f: f.BatchNorm(True, epsilon=1e-5),
                                      normed),
    "GELU": partial(case, nn.GELU, window("gelu", approximate=False), none, SEQUENCE),
    "MaxPool2d, max_pool": partial(case, images(lambda: nn.MaxPool2d(3, 2, 1)), window("max_pool", **POOLED), none),
    "AvgPool2d, avg_pool": partial(case, images(lambda: nn.AvgPool2d(3, 2, 1)), window("avg_pool", **POOLED), none),
    "MultiheadAttention, MultiHeadDotProductAttention": partial(
        case, lambda: Itself(nn.MultiheadAttention(8, 2, batch_first=True)), lambda f: f.MultiHeadDotProductAttention(2),
        attended, SEQUENCE),
    "LSTM, OptimizedLSTMCell": partial(case, lambda: States(nn.LSTM(8, 6, batch_first=True)),
                                       lambda f: f.RNN(f.OptimizedLSTMCell(6)), lstm, SEQUENCE),
    "GRU, GRUCell": partial(case, lambda: States(nn.GRU(8, 6, batch_first=True)), lambda f: f.RNN(f.GRUCell(6)), gru,
                            SEQUENCE),
}  # fmt: skip
ANY = ("*",)
WRONG = (
    ("LayerNorm, Flax's eps of 1e-6", "eps", partial(case, lambda: nn.LayerNorm(8), lambda f: f.LayerNorm(), scaled, SEQUENCE)),
    ("GroupNorm, Flax's eps of 1e-6", "eps", partial(case, images(lambda: nn.GroupNorm(3, 6)), lambda f: f.GroupNorm(3), scaled)),
    ("ConvTranspose, kernel not turned", None, partial(
        case, TURNED, lambda f: f.ConvTranspose(4, (3, 3), (2, 2), [(1, 1), (1, 1)]), lambda s: kernel(s, IOHW))),
    ("Conv, padding SAME at stride 2", "SAME", partial(
        case, images(lambda: nn.Conv2d(6, 4, 3, 2, 1)), lambda f: f.Conv(4, (3, 3), 2), lambda s: kernel(s, OIHW),
        (2, 6, 10, 10))),
    ("GELU, Flax's tanh form", "tanh", partial(case, nn.GELU, window("gelu"), none, SEQUENCE)),
    ("avg_pool, padding not counted", "count", partial(
        case, images(lambda: nn.AvgPool2d(3, 2, 1)), window("avg_pool", **POOLED, count_include_pad=False), none)),
    ("GRUCell, gates z, r, n", "gates", partial(
        case, lambda: States(nn.GRU(8, 6, batch_first=True)), lambda f: f.RNN(f.GRUCell(6)), partial(gru, order="zrn"),
        SEQUENCE)),
)  # fmt: skip
LAYERS = (
    *(Pair(f"torch.nn and Flax: {name}", make) for name, make in RIGHT.items()),
    *(Pair(f"torch.nn and Flax: {name}", make, ANY, cause) for name, cause, make in WRONG),
)
