"""Keras models against PyTorch's, each way round, on the backend of this process: KERAS_BACKEND must be set."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.evidence.ports.jax_layers import Values, normal, statistics, stir, weights
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch", "keras")
#: The backend that was asked for; on TensorFlow each comparison starts a process, which no test waits for.
BACKEND = os.environ.get("KERAS_BACKEND")
BACKEND = None if BACKEND == "tensorflow" and "pytest" in sys.modules else BACKEND
HIDDEN, HEADS = 8, 2


class ChannelsLast(nn.Module):
    """A convolutional network on images as Keras lays them out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.norm(self.conv1(x.permute(0, 3, 1, 2)))))
        return self.head(torch.nn.functional.silu(self.conv2(x)).mean((2, 3)))


class Block(nn.Module):
    """Attention that sees what was before, and a feed-forward part, each behind a LayerNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(HIDDEN), nn.LayerNorm(HIDDEN)
        self.attention = nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True)
        self.up, self.gelu, self.down = nn.Linear(HIDDEN, 16), nn.GELU(), nn.Linear(16, HIDDEN)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, size = self.norm1(x), x.shape[1]
        mask = torch.triu(torch.ones(size, size, dtype=torch.bool), 1)
        x = x + self.attention(y, y, y, attn_mask=mask, need_weights=False)[0]
        return x + self.down(self.gelu(self.up(self.norm2(x))))


class Recurrent(nn.Module):
    """Tokens to a class for each, by an LSTM or a GRU."""

    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(12, 5), kind(5, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(self.embedding(tokens))[0])


def dense(p: Values, name: str) -> list[np.ndarray]:
    return [p[f"{name}.weight"], p[f"{name}.bias"]]


def conv_net(
    seed: int, train: bool = False, *, norm: dict[str, Any] | None = None, same: bool = False,
    activation: str = "silu", pool: str = "MaxPooling2D", turn: bool = False,
) -> Case:  # fmt: skip
    """The convolutional network; the keywords are mistakes."""
    import keras
    from keras import layers

    torch.manual_seed(seed)
    model = ChannelsLast().train(train)
    stir(model)
    x = entry = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, padding="same", name="conv1")(x)
    x = layers.BatchNormalization(**{"epsilon": 1e-5, "momentum": 0.9} | (norm or {}), name="norm")(x)
    x = getattr(layers, pool)(2, name="pool")(layers.ReLU(name="relu")(x))
    x = x if same else layers.ZeroPadding2D(1, name="pad")(x)
    x = layers.Conv2D(8, 3, 2, "same" if same else "valid", activation=activation, name="conv2")(x)
    x = layers.Dense(5, name="head")(layers.GlobalAveragePooling2D(name="mean")(x))
    net, p, s = keras.Model(entry, x, name=f"conv_net_{seed}"), weights(model), statistics(model)
    for name in ("conv1", "conv2", "head"):
        net.get_layer(name).set_weights(dense(p, name))
    net.get_layer("norm").set_weights([*dense(p, "norm"), s["norm.running_mean"], s["norm.running_var"]])
    if turn:
        net.get_layer("conv2").set_weights([p["conv2.weight"].transpose(1, 0, 2, 3), p["conv2.bias"]])
    return Case(partial(net, training=True) if train else net, model, (normal(seed, 4, 12, 12, 3),))


def block(
    seed: int, *, norm: dict[str, Any] | None = None, causal: bool = True, tanh: bool = False,
    heads_last: bool = False, scaled: float = 1.0, postnorm: bool = False,
) -> Case:  # fmt: skip
    """The block with Keras's MultiHeadAttention; the keywords are mistakes."""
    import keras
    from keras import layers

    torch.manual_seed(seed)
    model = Block()
    stir(model)
    nn.init.normal_(model.attention.in_proj_bias)
    settings = {"epsilon": 1e-5} | (norm or {})
    x = entry = keras.Input((6, HIDDEN))
    y = x if postnorm else layers.LayerNormalization(**settings, name="norm1")(x)
    attention = layers.MultiHeadAttention(HEADS, HIDDEN // HEADS, name="attention")
    x = layers.Add(name="add1")([x, attention(y, y, use_causal_mask=causal)])
    x = layers.LayerNormalization(**settings, name="norm1")(x) if postnorm else x
    y = layers.Dense(16, name="up")(layers.LayerNormalization(**settings, name="norm2")(x))
    y = layers.Activation(partial(keras.activations.gelu, approximate=tanh), name="gelu")(y)
    x = layers.Add(name="add2")([x, layers.Dense(HIDDEN, name="down")(y)])
    net, p = keras.Model(entry, x, name=f"block_{seed}"), weights(model)
    for name in ("norm1", "norm2", "up", "down"):
        net.get_layer(name).set_weights(dense(p, name))
    kernels = np.split(p["attention.in_proj_weight"], 3, 1)
    biases = np.split(p["attention.in_proj_bias"], 3)
    parts = [_heads(part, heads_last) for pair in zip(kernels, biases, strict=True) for part in pair]
    parts[0], parts[1] = scaled * parts[0], scaled * parts[1]
    out = p["attention.out_proj.weight"].reshape(HEADS, HIDDEN // HEADS, HIDDEN)
    attention.set_weights([*parts, out, p["attention.out_proj.bias"]])
    return Case(net, model, (normal(seed, 3, 6, HIDDEN),))


def _heads(part: np.ndarray, last: bool) -> np.ndarray:
    """The last axis as (heads, numbers of each)."""
    if last:
        return part.reshape(*part.shape[:-1], -1, HEADS).swapaxes(-1, -2)
    return part.reshape(*part.shape[:-1], HEADS, -1)


def recurrent(
    seed: int, kind: str = "lstm", *, turned: bool = True, forget: float = 0.0, backwards: bool = False,
    masked: bool = False, second_bias: bool = True, one_bias: bool = False, **settings: Any,
) -> Case:  # fmt: skip
    """The tagger; Keras's GRU has its gates in the order z, r, n. All keywords but ``one_bias`` are mistakes."""
    import keras
    from keras import layers

    torch.manual_seed(seed)
    model = Recurrent(nn.LSTM if kind == "lstm" else nn.GRU)
    if one_bias:
        nn.init.zeros_(model.rnn.bias_hh_l0)
    made = layers.LSTM if kind == "lstm" else layers.GRU
    x = entry = keras.Input((6,), dtype="int32")
    x = layers.Embedding(12, 5, mask_zero=masked, name="embedding")(x)
    rnn = made(HIDDEN, return_sequences=True, go_backwards=backwards, name="rnn", **settings)
    x = layers.Dense(4, name="head")(rnn(x))
    net, p = keras.Model(entry, x, name=f"recurrent_{kind}_{seed}"), weights(model)
    net.get_layer("embedding").set_weights([p["embedding.weight"].T])
    net.get_layer("head").set_weights(dense(p, "head"))
    w, u, b, c = (p[f"rnn.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    c = c if second_bias else 0 * c
    if kind == "gru":
        w, u, b, c = (_turned(part) if turned else part for part in (w, u, b, c))
        bias = np.stack([b, c]) if settings.get("reset_after", True) else b + c
    else:
        bias = b + c + forget * (np.arange(4 * HIDDEN) // HIDDEN == 1)
    rnn.set_weights([w, u, bias.astype(np.float32)])
    return Case(net, model, (np.random.default_rng(seed).integers(0, 12, (3, 6), np.int32),))


def _turned(part: np.ndarray) -> np.ndarray:
    """PyTorch's gates r, z, n in Keras's order."""
    r, z, n = np.split(part, 3, -1)
    return np.concatenate([z, r, n], -1)


def perceptron(seed: int, *, transposed: bool = False, mine: Any = None, theirs: Any = None) -> Case:
    """Two Dense layers, with optimisers where they are given."""
    import keras
    from keras import layers

    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8))
    net = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, "tanh", name="first"), layers.Dense(8, name="second")]
    )
    p = weights(model)
    net.get_layer("first").set_weights(dense(p, "0"))
    kernel, bias = dense(p, "2")
    net.get_layer("second").set_weights([kernel.T if transposed else kernel, bias])
    options = {} if mine is None else {"optimizer": (mine(keras.optimizers), theirs), "variants": False}
    return Case(net, model, (normal(seed, 10, 6),), options)


def swapped(seed: int, make: Any, **settings: Any) -> Case:
    """The other direction: Keras is the reference."""
    case = make(seed, **settings)
    return Case(case.reference, case.candidate, case.inputs, case.options)


def stepping(mine: Any, theirs: str, **settings: Any) -> Any:
    """A case of optimisers: Keras's by a function of keras.optimizers, PyTorch's by its name."""
    return partial(perceptron, mine=mine, theirs=partial(getattr(torch.optim, theirs), **settings))


gru = partial(recurrent, kind="gru")
CORRECT = (
    ("conv net, torch -> Keras", conv_net), ("conv net, Keras -> torch", partial(swapped, make=conv_net)),
    ("attention block, torch -> Keras", block), ("attention block, Keras -> torch", partial(swapped, make=block)),
    ("LSTM, torch -> Keras", recurrent), ("LSTM, Keras -> torch", partial(swapped, make=recurrent, one_bias=True)),
    ("GRU, torch -> Keras", gru), ("GRU, Keras -> torch", partial(swapped, make=gru)),
    ("perceptron, torch -> Keras", perceptron),
    ("SGD, torch -> Keras", stepping(lambda k: k.SGD(0.1), "SGD", lr=0.1)),
    ("SGD with momentum, torch -> Keras", stepping(lambda k: k.SGD(0.1, 0.9), "SGD", lr=0.1, momentum=0.9)),
    ("SGD with Nesterov, torch -> Keras", stepping(lambda k: k.SGD(0.1, 0.9, nesterov=True), "SGD", lr=0.1,
                                                  momentum=0.9, nesterov=True)),
)  # fmt: skip
STATE, FIRST, SECOND = ("state *norm*",), ("* after step 1",), ("* after step 2",)
RNN, ATTENTION = ("*rnn*", "output"), ("*attention*",)
ADAM = {"lr": 1e-2}
MISTAKES = (
    ("BatchNormalization eps 1e-3", partial(conv_net, norm={"epsilon": 1e-3}), ("*norm",), "eps"),
    ("BatchNormalization momentum 0.99", partial(conv_net, train=True, norm={"momentum": 0.99}), STATE, "take 0.01"),
    ("BatchNormalization keeps a biased variance", partial(conv_net, train=True), STATE, "divided by n "),
    ("padding same at stride 2", partial(conv_net, same=True), ("*conv2", "*pad"), None),
    ("relu for silu", partial(conv_net, activation="relu"), ("*conv2",), "relu follows"),
    ("mean for maximum pooling", partial(conv_net, pool="AveragePooling2D"), ("*pool",), None),
    ("height and width swapped", partial(conv_net, turn=True), ("*conv2",), None),
    ("LayerNormalization eps 1e-3", partial(block, norm={"epsilon": 1e-3}), ("*norm1",), "eps"),
    ("attention without its mask", partial(block, causal=False), ATTENTION, "mask"),
    ("attention, heads lie last", partial(block, heads_last=True), ATTENTION, None),
    ("attention scaled twice", partial(block, scaled=0.5), ATTENTION, "scaled by 1/4"),
    ("norm after attention", partial(block, postnorm=True), ("*attention*", "*norm1", "*add1"), None),
    ("GELU by tanh", partial(block, tanh=True), ("*gelu",), "tanh"),
    ("LSTM, forget bias 1", partial(recurrent, forget=1.0), RNN, "forget gate"),
    ("LSTM, hard sigmoids", partial(recurrent, recurrent_activation="hard_sigmoid"), RNN, "hard sigmoids"),
    ("LSTM, without PyTorch's second bias", partial(recurrent, second_bias=False), RNN, "bias is missing"),
    ("LSTM reads backwards", partial(recurrent, backwards=True), RNN, "read from its end"),
    ("LSTM masks token 0", partial(recurrent, masked=True), RNN, None),
    ("LSTM with relu", partial(recurrent, activation="relu"), RNN, "relu"),
    ("GRU, gates r, z, n", partial(gru, turned=False), RNN, "gates"),
    ("GRU, reset_after=False", partial(gru, reset_after=False), RNN, "reset_after"),
    ("GRU, without the second bias", partial(gru, second_bias=False), RNN, "bias is missing"),
    ("GRU, hard sigmoids", partial(gru, recurrent_activation="hard_sigmoid"), RNN, "hard sigmoids"),
    ("square kernel transposed", partial(perceptron, transposed=True), ("*second", "output"), "transposed"),
    ("Adam for PyTorch's", stepping(lambda k: k.Adam(1e-2), "Adam", **ADAM), FIRST, "eps"),
    ("Adam, eps 1e-8 before the correction", stepping(lambda k: k.Adam(1e-2, epsilon=1e-8), "Adam", **ADAM), FIRST,
     "before its correction"),
    ("AdamW, Keras's decay of 4e-3", stepping(lambda k: k.AdamW(1e-2, epsilon=1e-8), "AdamW", lr=1e-2), FIRST, None),
    ("SGD, momentum forgotten", stepping(lambda k: k.SGD(0.1), "SGD", lr=0.1, momentum=0.9), SECOND, "no momentum"),
    ("SGD, decoupled decay", stepping(lambda k: k.SGD(0.1, 0.9, weight_decay=0.1), "SGD", lr=0.1, momentum=0.9,
                                      weight_decay=0.1), ("* after step [12]",), "decoupled"),
    ("RMSprop for PyTorch's", stepping(lambda k: k.RMSprop(1e-2), "RMSprop", lr=1e-2), FIRST, None),
    ("RMSprop, eps under the root", stepping(lambda k: k.RMSprop(1e-2, 0.99, epsilon=1e-8), "RMSprop", lr=1e-2), FIRST,
     "under the root"),
    ("Nadam for PyTorch's", stepping(lambda k: k.Nadam(1e-2, epsilon=1e-8), "NAdam", lr=1e-2), FIRST, "of itself"),
)  # fmt: skip
PORTS = tuple(Port(f"keras on {BACKEND}: {name}", make, NEEDS) for name, make in CORRECT if BACKEND)
FAULTS = tuple(
    Fault(f"keras on {BACKEND}: {name}", make, NEEDS, places, cause)
    for name, make, places, cause in MISTAKES
    if BACKEND
)
