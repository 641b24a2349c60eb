"""Equinox models against PyTorch's: a perceptron, a convolutional network, attention, and recurrent cells."""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn

from tests.evidence.ports.jax_layers import normal, stir
from tests.evidence.ports.port import Case, Fault, Port
from tests.evidence.ports.torch_twins import States

NEEDS = ("torch", "jax", "equinox")
WIDTH, HEADS = 8, 2
KEY = jax.random.key(0)


def filled(module: Any, **values: Any) -> Any:
    """An Equinox module with some of its arrays replaced; PyTorch's tensors are taken as they are."""

    def array(value: Any) -> Any:
        return jnp.asarray(value.detach().numpy() if isinstance(value, torch.Tensor) else value)

    names, given = list(values), [array(value) for value in values.values()]
    return eqx.tree_at(lambda m: [getattr(m, name) for name in names], module, given)


def linear(module: nn.Linear, bias: bool = True) -> eqx.nn.Linear:
    made = eqx.nn.Linear(module.in_features, module.out_features, use_bias=bias, key=KEY)
    return filled(made, weight=module.weight, **({"bias": module.bias} if bias else {}))


def norm(module: nn.LayerNorm, eps: float = 1e-5) -> eqx.nn.LayerNorm:
    made = eqx.nn.LayerNorm(module.normalized_shape, eps=eps)
    return filled(made, weight=module.weight, bias=module.bias)


class Rows(eqx.Module):
    """A module that takes one example, on a batch."""

    one: Any

    def __call__(self, x: Any) -> Any:
        return jax.vmap(self.one)(x)


def mlp(
    seed: int,
    *,
    activation: Any = jax.nn.relu,
    final: Any = lambda x: x,
    transposed: bool = False,
    bias: bool = True,
) -> Case:
    """eqx.nn.MLP; the keywords are mistakes."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(6, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 4)
    )
    made = eqx.nn.MLP(6, 4, WIDTH, 2, activation, final, use_bias=bias, key=KEY)
    layers = [linear(part, bias) for part in model if isinstance(part, nn.Linear)]
    if transposed:
        layers[1] = filled(layers[1], weight=layers[1].weight.T)
    made = eqx.tree_at(lambda m: m.layers, made, tuple(layers))
    return Case(Rows(made), model, (normal(seed, 12, 6),))


def conv_net(
    seed: int, *, padding: Any = 1, groups: int = 8, eps: float = 1e-5, stride: int = 2, mode: str = "ZEROS",
    flipped: bool = False,
) -> Case:  # fmt: skip
    """Convolutions, a GroupNorm and a pooling; the keywords are mistakes."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(4, 8), nn.SiLU(), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3, 1, 1)
    )
    stir(model)
    kernel = model[0].weight.flip(2, 3) if flipped else model[0].weight
    first = eqx.nn.Conv2d(3, 8, 3, stride, padding, padding_mode=mode, key=KEY)
    first = filled(first, weight=kernel, bias=model[0].bias[:, None, None])
    second = eqx.nn.Conv2d(8, 6, 3, 1, 1, key=KEY)
    second = filled(second, weight=model[4].weight, bias=model[4].bias[:, None, None])
    group = filled(eqx.nn.GroupNorm(groups, 8, eps), weight=model[1].weight, bias=model[1].bias)
    made = eqx.nn.Sequential([first, group, eqx.nn.Lambda(jax.nn.silu), eqx.nn.MaxPool2d(2, 2), second])
    return Case(Rows(made), model, (normal(seed, 4, 3, 12, 12),))


class TorchBlock(nn.Module):
    """Attention with biases behind a LayerNorm, and a feed-forward part."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.up, self.gelu, self.down = nn.Linear(WIDTH, 16), nn.GELU("tanh"), nn.Linear(16, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(self.gelu(self.up(self.norm2(x))))


class Block(eqx.Module):
    norm1: eqx.nn.LayerNorm
    norm2: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    up: eqx.nn.Linear
    gelu: eqx.nn.Lambda
    down: eqx.nn.Linear
    causal: bool = False

    def __call__(self, x: Any) -> Any:
        y = jax.vmap(self.norm1)(x)
        mask = jnp.tril(jnp.ones((len(x), len(x)), bool)) if self.causal else None
        x = x + self.attention(y, y, y, mask)
        return x + jax.vmap(self.down)(self.gelu(jax.vmap(self.up)(jax.vmap(self.norm2)(x))))


def block(
    seed: int,
    *,
    eps: float = 1e-5,
    tanh: bool = True,
    causal: bool = False,
    swapped: bool = False,
    heads: int = HEADS,
) -> Case:
    """A transformer's block with eqx.nn.MultiheadAttention; the keywords are mistakes."""
    torch.manual_seed(seed)
    model = TorchBlock()
    stir(model)
    nn.init.normal_(model.attention.in_proj_bias)
    weights, biases = model.attention.in_proj_weight.chunk(3), model.attention.in_proj_bias.chunk(3)
    names = ("key_proj", "query_proj", "value_proj") if swapped else ("query_proj", "key_proj", "value_proj")
    made = eqx.nn.MultiheadAttention(
        heads,
        WIDTH,
        use_query_bias=True,
        use_key_bias=True,
        use_value_bias=True,
        use_output_bias=True,
        key=KEY,
    )
    parts = [
        filled(getattr(made, name), weight=w, bias=b)
        for name, w, b in zip(names, weights, biases, strict=True)
    ]
    parts.append(linear(model.attention.out_proj))
    attention = eqx.tree_at(lambda m: [getattr(m, name) for name in (*names, "output_proj")], made, parts)
    gelu = eqx.nn.Lambda(partial(jax.nn.gelu, approximate=tanh))
    net = Block(norm(model.norm1, eps), norm(model.norm2, eps), attention, linear(model.up), gelu,
                linear(model.down), causal)  # fmt: skip
    return Case(Rows(net), model, (normal(seed, 3, 5, WIDTH),))


class Scan(eqx.Module):
    """All states of a cell on one sequence."""

    cell: Any
    initial: float = 0.0

    def __call__(self, x: Any) -> Any:
        def step(state: Any, now: Any) -> Any:
            state = self.cell(now, state)
            return state, state[0] if isinstance(state, tuple) else state

        start = jnp.full(WIDTH, self.initial)
        lstm = isinstance(self.cell, eqx.nn.LSTMCell)
        return jax.lax.scan(step, (start, start) if lstm else start, x)[1]


def recurrent(
    seed: int, kind: str = "lstm", *, one_bias: bool = False, order: tuple[int, ...] | None = None,
    biases: int = 2, initial: float = 0.0,
) -> Case:  # fmt: skip
    """eqx.nn.LSTMCell or GRUCell in a scan: one bias is the sum of PyTorch's two. The keywords but
    ``one_bias`` are mistakes.
    """
    torch.manual_seed(seed)
    model = States((nn.LSTM if kind == "lstm" else nn.GRU)(5, WIDTH, batch_first=True))
    if one_bias:
        model.rnn.bias_hh_l0.data[: 2 * WIDTH if kind == "gru" else None] = 0
    w, u, b, c = (value.detach().numpy() for value in model.rnn.parameters())
    c = c if biases == 2 else 0 * c
    if order is not None:
        w, u, b, c = (np.concatenate([np.split(part, len(order))[i] for i in order]) for part in (w, u, b, c))
    if kind == "lstm":
        cell = filled(eqx.nn.LSTMCell(5, WIDTH, key=KEY), weight_ih=w, weight_hh=u, bias=b + c)
    else:
        bias = b + np.concatenate([c[: 2 * WIDTH], 0 * c[2 * WIDTH :]])
        cell = eqx.nn.GRUCell(5, WIDTH, key=KEY)
        cell = filled(cell, weight_ih=w, weight_hh=u, bias=bias, bias_n=c[2 * WIDTH :])
    return Case(Rows(Scan(cell, initial)), model, (normal(seed, 3, 6, 5),))


def backwards(seed: int, make: Any, **settings: Any) -> Case:
    """The other direction: Equinox is the reference."""
    case = make(seed, **settings)
    return Case(case.reference, case.candidate, case.inputs)


gru = partial(recurrent, kind="gru")
PORTS = tuple(
    Port(f"equinox: {name}", make, NEEDS)
    for name, make in (
        ("MLP, torch -> Equinox", mlp), ("MLP, Equinox -> torch", partial(backwards, make=mlp)),
        ("conv net with GroupNorm, torch -> Equinox", partial(conv_net, groups=4)),
        ("transformer block, torch -> Equinox", block),
        ("transformer block, Equinox -> torch", partial(backwards, make=block)),
        ("LSTM, torch -> Equinox", recurrent), ("GRU, torch -> Equinox", gru),
        ("GRU, Equinox -> torch", partial(backwards, make=gru, one_bias=True)),
    )
)  # fmt: skip
conv = partial(conv_net, groups=4)
STATES = ("output", "*cell*", "rnn*")
FAULTS = tuple(
    Fault(f"equinox: {name}", make, NEEDS, places, cause)
    for name, make, places, cause in (
        ("MLP with gelu for relu", partial(mlp, activation=jax.nn.gelu), ("one/activation*", "one/layers/1", "2"),
         "gelu"),
        ("MLP without biases", partial(mlp, bias=False), ("one/layers/0", "0"), "bias"),
        ("MLP, square weight transposed", partial(mlp, transposed=True), ("one/layers/1", "2"), "transposed"),
        ("MLP, activation at the end", partial(mlp, final=jax.nn.relu), ("one", "output", "4"), "relu follows"),
        ("conv, SAME for symmetric padding", partial(conv, padding="SAME"), ("*layers/0", "0"), "padding"),
        ("conv, reflected padding", partial(conv, mode="REFLECT"), ("*layers/0", "0"), None),
        ("conv, kernel flipped", partial(conv, flipped=True), ("*layers/0", "0"), "flipped"),
        ("GroupNorm of 8 groups", conv_net, ("*layers/1", "1"), "8 groups"),
        ("GroupNorm eps 1e-3", partial(conv, eps=1e-3), ("*layers/1", "1"), "eps"),
        ("LayerNorm eps 1e-3", partial(block, eps=1e-3), ("*norm1",), "eps"),
        ("LayerNorm eps 1e-6", partial(block, eps=1e-6), ("*norm1",), "eps"),
        ("GELU without tanh", partial(block, tanh=False), ("*gelu",), "tanh"),
        ("causal attention for all of it", partial(block, causal=True), ("*attention*",), "causal"),
        ("queries and keys exchanged", partial(block, swapped=True), ("*attention*",), None),
        ("attention with 4 heads", partial(block, heads=4), ("*attention*",), "heads"),
        ("LSTM, gates i, f, o, g", partial(recurrent, order=(0, 1, 3, 2)), STATES, "i, f, o, g"),
        ("LSTM, one of PyTorch's biases", partial(recurrent, biases=1), STATES, "hidden bias is missing"),
        ("LSTM begins at ones", partial(recurrent, initial=1.0), STATES, "begin at 1"),
        ("GRU, gates z, r, n", partial(gru, order=(1, 0, 2)), STATES, "z, r, n"),
        ("GRU, one of PyTorch's biases", partial(gru, biases=1), STATES, "hidden bias is missing"),
    )
)  # fmt: skip
