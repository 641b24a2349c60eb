"""Recurrent networks of PyTorch: LSTM and GRU, their ports to a scan of JAX, to Flax, and written by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn

import samestep
from tests.evidence.ports.jax_layers import Values, normal, weights
from tests.evidence.ports.port import Case, Fault, Port
from tests.evidence.ports.torch_twins import States

NEEDS, FLAX, TORCH = ("torch", "jax"), ("torch", "jax", "flax"), ("torch",)
WIDTH, INPUTS, ROWS, TIME = 6, 5, 3, 7


class Tagger(nn.Module):
    """Tokens to a class for each: an LSTM of two layers in both directions on embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, INPUTS)
        self.rnn = nn.LSTM(INPUTS, WIDTH, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * WIDTH, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(self.embedding(tokens))[0])


class LastValid(nn.Module):
    """Sequences of several lengths to one output each: of a GRU's state at the last valid step."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(INPUTS, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, 4)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][torch.arange(len(x)), lengths - 1])


class BothEnds(nn.Module):
    """Sequences to one output each: of the last states of both directions of an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(INPUTS, WIDTH, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * WIDTH, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        last = self.rnn(x)[1][0]
        return self.head(torch.cat([last[0], last[1]], 1))


class Whole(nn.Module):
    """What a recurrent layer returns: all states, and the last of each layer."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: torch.Tensor) -> Any:
        return self.rnn(x)


class ByHand(nn.Module):
    """An LSTM as people write it; its weights are those of nn.LSTM. The attributes are mistakes."""

    def __init__(
        self, model: nn.LSTM, order: str = "ifgo", swapped: bool = False, detach: bool = False
    ) -> None:
        super().__init__()
        self.x, self.h = nn.Linear(INPUTS, 4 * WIDTH), nn.Linear(WIDTH, 4 * WIDTH)
        self.order, self.swapped, self.detach = order, swapped, detach
        values = [value.detach().clone() for value in model.parameters()]
        self.x.weight.data, self.h.weight.data, self.x.bias.data, self.h.bias.data = values

    def forward(self, x: torch.Tensor) -> Any:
        h = c = x.new_zeros(len(x), WIDTH)
        states = []
        for now in x.unbind(1):
            gates = dict(zip(self.order, (self.x(now) + self.h(h)).chunk(4, 1), strict=True))
            i, f, o = (torch.sigmoid(gates[gate]) for gate in "ifo")
            c = f * c + i * torch.tanh(gates["g"])
            h = o * torch.tanh(c)
            states.append(h)
            h = h.detach() if self.detach else h
        return torch.stack(states, 1), ((c[None], h[None]) if self.swapped else (h[None], c[None]))


def lstm(
    w: Values, state: tuple[Any, Any], now: Any, *, order: str = "ifgo", forget: float = 0.0,
    gate: Any = jax.nn.sigmoid, squash: Any = jnp.tanh, cell: Any = jnp.tanh,
) -> tuple[Any, Any]:  # fmt: skip
    """One step of an LSTM, from (h, c) to (h, c); the keywords are mistakes."""
    h, c = state
    gates = dict(zip(order, jnp.split(now + h @ w["weight_hh"] + w["bias_hh"], 4, -1), strict=True))
    c = gate(gates["f"] + forget) * c + gate(gates["i"]) * cell(gates["g"])
    return gate(gates["o"]) * squash(c), c


def gru(
    w: Values, state: tuple[Any], now: Any, *, order: str = "rzn", after: bool = True, kept: bool = True,
    gate: Any = jax.nn.sigmoid, bias_n: bool = True,
) -> tuple[Any]:  # fmt: skip
    """One step of a GRU; the keywords are mistakes: ``after`` is Keras's reset_after."""
    (h,) = state
    x, past, kernel, bias = (
        dict(zip(order, jnp.split(part, 3, -1), strict=True))
        for part in (now, h @ w["weight_hh"] + w["bias_hh"], w["weight_hh"], w["bias_hh"])
    )
    r, z = gate(x["r"] + past["r"]), gate(x["z"] + past["z"])
    new = past["n"] if bias_n else past["n"] - bias["n"]
    n = jnp.tanh(x["n"] + (r * new if after else (r * h) @ kernel["n"] + bias["n"]))
    return ((1 - z) * n + z * h if kept else z * n + (1 - z) * h,)


STEPS = {"lstm": (lstm, 2), "gru": (gru, 1)}


def scan(
    p: Any, x: Any, kind: str, end: str, *, biases: tuple[str, ...] = ("ih", "hh"), initial: float = 0.0,
    truncated: bool = False, **mistakes: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """All states (time, batch, width) and the last (h, c) of one layer on x (time, batch, in)."""
    w = {name: p[f"rnn.{name}_{end}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    w |= {f"bias_{part}": 0 * w[f"bias_{part}"] for part in ("ih", "hh") if part not in biases}
    step, count = STEPS[kind]

    def body(state: Any, now: Any) -> Any:
        state = jax.lax.stop_gradient(state) if truncated else state
        state = step(w, state, now @ w["weight_ih"] + w["bias_ih"], **mistakes)
        return state, state[0]

    start = (jnp.full((x.shape[1], WIDTH), initial, x.dtype),) * count
    last, states = jax.lax.scan(body, start, x)
    return states, last


def both_ways(
    p: Any, x: Any, kind: str, layer: int, *, flipped: bool = True, restored: bool = True, same: bool = False,
    **mistakes: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """All states of both directions, and the last ones of each."""
    ahead, last = scan(p, x, kind, f"l{layer}", **mistakes)
    end = f"l{layer}" if same else f"l{layer}_reverse"
    back, first = scan(p, x[::-1] if flipped else x, kind, end, **mistakes)
    return jnp.concatenate([ahead, back[::-1] if restored else back], -1), (last, first)


def tagger(p: Any, tokens: Any, *, batch_first: bool = True, **mistakes: Any) -> Any:
    x = samestep.tag(p["embedding.weight"][tokens], "embedding")
    x = x.swapaxes(0, 1) if batch_first else x
    for layer in range(2):
        x, _ = both_ways(p, x, "lstm", layer, **mistakes)
    return samestep.tag(x.swapaxes(0, 1) if batch_first else x, "rnn") @ p["head.weight"] + p["head.bias"]


def sequence(
    p: Any, x: Any, *, kind: str = "lstm", layers: int = 1, swapped: bool = False,
    **mistakes: Any,
) -> Any:  # fmt: skip
    """What nn.LSTM and nn.GRU return: all states, and the last of each layer."""
    x, last = x.swapaxes(0, 1), []
    for layer in range(layers):
        x, state = scan(p, x, kind, f"l{layer}", **mistakes)
        last.append(state[::-1] if swapped else state)
    final = tuple(jnp.stack(parts) for parts in zip(*last, strict=True))
    x = samestep.tag(x.swapaxes(0, 1), "rnn")
    return x, final if kind == "lstm" else final[0]


def last_valid(p: Any, x: Any, lengths: Any, *, last: str = "valid", **mistakes: Any) -> Any:
    states = samestep.tag(scan(p, x.swapaxes(0, 1), "gru", "l0", **mistakes)[0].swapaxes(0, 1), "rnn")
    at = {"valid": lengths - 1, "beyond": lengths, "last": -1, "first": 0}[last]
    return states[jnp.arange(len(x)), at] @ p["head.weight"] + p["head.bias"]


def both_ends(p: Any, x: Any, *, last_step: bool = False, **mistakes: Any) -> Any:
    states, (last, first) = both_ways(p, x.swapaxes(0, 1), "lstm", 0, **mistakes)
    h = states[-1] if last_step else jnp.concatenate([last[0], first[0]], -1)
    return h @ p["head.weight"] + p["head.bias"]


def values(model: nn.Module) -> Values:
    """The port's parameters; embeddings stay as they are."""
    p = weights(model)
    if "embedding.weight" in p:
        p["embedding.weight"] = p["embedding.weight"].T.copy()
    return p


def tagger_case(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model, rng = Tagger(), np.random.default_rng(seed)
    call = partial(tagger, **mistakes)
    return Case(samestep.Model(call, values(model)), model, (rng.integers(0, 20, (ROWS, TIME)),))


def sequence_case(seed: int, kind: str = "lstm", layers: int = 1, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    made = nn.LSTM if kind == "lstm" else nn.GRU
    model = Whole(made(INPUTS, WIDTH, layers, batch_first=True))
    call = partial(sequence, kind=kind, layers=layers, **mistakes)
    return Case(samestep.Model(call, values(model)), model, (normal(seed, ROWS, TIME, INPUTS),))


def last_valid_case(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model, lengths = LastValid(), np.array([TIME - 1, 2, 5])
    call = partial(last_valid, **mistakes)
    return Case(samestep.Model(call, values(model)), model, (normal(seed, ROWS, TIME, INPUTS), lengths))


def both_ends_case(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model = BothEnds()
    call = partial(both_ends, **mistakes)
    return Case(samestep.Model(call, values(model)), model, (normal(seed, ROWS, TIME, INPUTS),))


def backwards(seed: int) -> Case:
    """The other direction: a reference in JAX, and its port to nn.GRU."""
    case = sequence_case(seed, "gru", 2)
    return Case(case.reference, case.candidate, case.inputs)


def by_hand(seed: int, **mistakes: Any) -> Case:
    torch.manual_seed(seed)
    model = nn.LSTM(INPUTS, WIDTH, batch_first=True)
    return Case(ByHand(model, **mistakes), Whole(model), (normal(seed, ROWS, TIME, INPUTS),))


def cells(seed: int) -> Case:
    """nn.LSTM against a loop over nn.LSTMCell."""

    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(INPUTS, WIDTH)

        def forward(self, x: torch.Tensor) -> Any:
            state, states = None, []
            for now in x.unbind(1):
                state = self.cell(now, state)
                states.append(state[0])
            return torch.stack(states, 1), tuple(part[None] for part in state)

    torch.manual_seed(seed)
    model, loop = nn.LSTM(INPUTS, WIDTH, batch_first=True), Loop()
    loop.cell.load_state_dict({name.removesuffix("_l0"): v for name, v in model.state_dict().items()})
    return Case(loop, model, (normal(seed, ROWS, TIME, INPUTS),))


def flax_lstm_values(p: Values) -> dict[str, dict[str, np.ndarray]]:
    """nn.LSTM's weights as Flax's cells have them: each gate by itself, one bias."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for i, gate in enumerate("ifgo"):
        rows = slice(i * WIDTH, (i + 1) * WIDTH)
        bias = p["rnn.bias_ih_l0"][rows] + p["rnn.bias_hh_l0"][rows]
        parts[f"i{gate}"] = {"kernel": p["rnn.weight_ih_l0"][rows].T}
        parts[f"h{gate}"] = {"kernel": p["rnn.weight_hh_l0"][rows].T, "bias": bias}
    return parts


def flax_gru_values(p: Values) -> dict[str, dict[str, np.ndarray]]:
    """nn.GRU's weights as Linen's cell has them; its hidden bias of r and z joins the input's."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for i, gate in enumerate("rzn"):
        rows = slice(i * WIDTH, (i + 1) * WIDTH)
        b, c = p["rnn.bias_ih_l0"][rows], p["rnn.bias_hh_l0"][rows]
        parts[f"i{gate}"] = {"kernel": p["rnn.weight_ih_l0"][rows].T, "bias": b if gate == "n" else b + c}
        parts[f"h{gate}"] = {"kernel": p["rnn.weight_hh_l0"][rows].T} | ({"bias": c} if gate == "n" else {})
    return parts


def linen(seed: int, kind: str = "lstm", convert: bool = True) -> Case:
    """Linen's RNN over its cells: their one bias is the sum of PyTorch's two."""
    import flax.linen as linen

    torch.manual_seed(seed)
    model = States((nn.LSTM if kind == "lstm" else nn.GRU)(INPUTS, WIDTH, batch_first=True))
    x = normal(seed, ROWS, TIME, INPUTS)
    net = linen.RNN(linen.OptimizedLSTMCell(WIDTH) if kind == "lstm" else linen.GRUCell(WIDTH))
    variables = net.init(jax.random.key(seed), x)
    (cell,) = variables["params"]
    parts = flax_lstm_values if kind == "lstm" else flax_gru_values
    if convert:
        return Case((net, variables), model, (x,), {"convert": lambda p: {cell: parts(p)}})
    p = {name: value.detach().numpy() for name, value in model.named_parameters()}
    return Case((net, {"params": {cell: parts(p)}}), model, (x,))


def nnx_gru(seed: int, **settings: Any) -> Case:
    """NNX's GRU has no bias on the hidden side of n: a port only where PyTorch's is 0, or a mistake."""
    from flax import nnx

    hidden_bias = settings.pop("hidden_bias", False)
    torch.manual_seed(seed)
    model = States(nn.GRU(INPUTS, WIDTH, batch_first=True))
    if not hidden_bias:
        nn.init.zeros_(model.rnn.bias_hh_l0)
    cell, p = nnx.GRUCell(INPUTS, WIDTH, rngs=nnx.Rngs(seed), **settings), weights(model)
    cell.dense_i.kernel.value, cell.dense_h.kernel.value = (
        jnp.asarray(p[f"rnn.weight_{part}_l0"]) for part in ("ih", "hh")
    )
    cell.dense_i.bias.value = jnp.asarray(p["rnn.bias_ih_l0"] + p["rnn.bias_hh_l0"])
    return Case(nnx.RNN(cell), model, (normal(seed, ROWS, TIME, INPUTS),))


PORTS = (
    Port("recurrent: tagger, LSTM of 2 layers both ways, torch -> JAX", tagger_case, NEEDS),
    Port("recurrent: LSTM, torch -> JAX", sequence_case, NEEDS),
    Port("recurrent: GRU of 2 layers, torch -> JAX", partial(sequence_case, kind="gru", layers=2), NEEDS),
    Port("recurrent: GRU of 2 layers, JAX -> torch", backwards, NEEDS),
    Port("recurrent: last valid state, torch -> JAX", last_valid_case, NEEDS),
    Port("recurrent: last states of both directions, torch -> JAX", both_ends_case, NEEDS),
    Port("recurrent: LSTM by hand, torch", by_hand, TORCH),
    Port("recurrent: loop over LSTMCell, torch", cells, TORCH),
    Port("recurrent: LSTM, torch -> Linen", linen, FLAX),
    Port("recurrent: GRU, torch -> Linen", partial(linen, kind="gru"), FLAX),
    Port("recurrent: LSTM, torch -> Linen, by value", partial(linen, convert=False), FLAX),
    Port("recurrent: GRU, torch -> Linen, by value", partial(linen, kind="gru", convert=False), FLAX),
    Port("recurrent: GRU, torch -> NNX", nnx_gru, FLAX),
)
OUTPUTS, RNN = ("output*", "rnn*"), ("rnn*",)
plain, gated = partial(sequence_case, layers=1), partial(sequence_case, kind="gru")


def hard_sigmoid(x: Any) -> Any:
    """Keras 1's, of slope 0.2."""
    return jnp.clip(0.2 * x + 0.5, 0, 1)


FAULTS = tuple(
    Fault(f"recurrent: {name}", make, needs, places, cause)
    for name, make, needs, places, cause in (
        ("LSTM gates in the order i, f, o, g", partial(plain, order="ifog"), NEEDS, OUTPUTS, "i, f, o, g"),
        ("LSTM gates in the order i, g, f, o", partial(plain, order="igfo"), NEEDS, OUTPUTS, "i, g, f, o"),
        ("LSTM forget bias 1", partial(plain, forget=1.0), NEEDS, OUTPUTS, "forget"),
        ("LSTM without the hidden bias", partial(plain, biases=("ih",)), NEEDS, OUTPUTS, "bias is missing"),
        ("LSTM without biases", partial(plain, biases=()), NEEDS, OUTPUTS, "both biases"),
        ("LSTM begins at ones", partial(plain, initial=1.0), NEEDS, OUTPUTS, "begin at 1"),
        ("LSTM with hard sigmoids", partial(plain, gate=hard_sigmoid), NEEDS, OUTPUTS, "hard sigmoids"),
        ("LSTM without tanh of the cell", partial(plain, squash=lambda c: c), NEEDS, OUTPUTS, "identity"),
        ("LSTM with relu for the cell", partial(plain, cell=jax.nn.relu), NEEDS, OUTPUTS, "relu"),
        ("LSTM returns (c, h)", partial(plain, swapped=True), NEEDS, OUTPUTS, None),
        ("tagger scans over the batch", partial(tagger_case, batch_first=False), NEEDS, RNN, None),
        ("LSTM, no gradient through time", partial(plain, truncated=True), NEEDS, ("gradient*",), None),
        ("LSTM by hand, gates i, f, o, g", partial(by_hand, order="ifog"), TORCH, OUTPUTS, "i, f, o, g"),
        ("LSTM by hand returns (c, h)", partial(by_hand, swapped=True), TORCH, OUTPUTS, None),
        ("LSTM by hand, states detached", partial(by_hand, detach=True), TORCH, ("gradient*",), None),
        ("GRU gates in the order z, r, n", partial(gated, order="zrn"), NEEDS, OUTPUTS, "z, r, n"),
        ("GRU resets before the product", partial(gated, after=False), NEEDS, OUTPUTS, "reset"),
        ("GRU with 1 - z for z", partial(gated, kept=False), NEEDS, OUTPUTS, "z stands"),
        ("GRU without the hidden bias of n", partial(gated, bias_n=False), NEEDS, OUTPUTS, None),
        ("GRU without the hidden bias", partial(gated, biases=("ih",)), NEEDS, OUTPUTS, "hidden bias"),
        ("GRU of 2 layers, hard sigmoids", partial(gated, layers=2, gate=hard_sigmoid), NEEDS, OUTPUTS, None),
        ("NNX's GRU for one with a hidden bias of n", partial(nnx_gru, hidden_bias=True), FLAX, OUTPUTS, None),
        ("NNX's GRU with relu", partial(nnx_gru, activation_fn=jax.nn.relu), FLAX, OUTPUTS, "relu"),
        ("tagger, backward states not put back", partial(tagger_case, restored=False), NEEDS, RNN, None),
        ("tagger, backward direction reads ahead", partial(tagger_case, flipped=False, restored=False), NEEDS,
         RNN, None),
        ("tagger, one direction's weights twice", partial(tagger_case, same=True), NEEDS, RNN, None),
        ("tagger, gates i, f, o, g", partial(tagger_case, order="ifog"), NEEDS, RNN, None),
        ("the state at the last step", partial(last_valid_case, last="last"), NEEDS, ("output", "head"), None),
        ("the state one step after the last valid", partial(last_valid_case, last="beyond"), NEEDS,
         ("output", "head"), None),
        ("backward direction's state at the last step", partial(both_ends_case, last_step=True), NEEDS,
         ("output", "head", "rnn.1.0"), None),
    )
)  # fmt: skip
