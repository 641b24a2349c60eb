"""ONNX's recurrent operators: LSTM (gates i o f c), GRU (z r h) and RNN, in one direction or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import special

from samestep.models.onnx.operation import Definition, Operation, Value

#: The activations that each has unless told otherwise, of one direction.
USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
#: Whether each direction of an operator goes backward in time.
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}

#: A step from the projected input, the carry, the recurrent weight and its bias to the next carry.
Step = Callable[[Value, Sequence[Value], Value, Value], tuple[Value, ...]]


def _lstm(x: Value, carry: Sequence[Value], weight: Value, bias: Value) -> tuple[Value, ...]:
    h, c = carry
    i, o, f, g = _parts(x + (h @ weight.T + bias), 4)
    c = special.expit(f) * c + special.expit(i) * np.tanh(g)
    return special.expit(o) * np.tanh(c), c


def _gru(linear_before_reset: bool) -> Step:
    def step(x: Value, carry: Sequence[Value], weight: Value, bias: Value) -> tuple[Value, ...]:
        (h,) = carry
        size = h.shape[-1]
        both, last = weight[: 2 * size], weight[2 * size :]
        z, r = _parts(special.expit(x[..., : 2 * size] + (h @ both.T + bias[: 2 * size])), 2)
        if linear_before_reset:
            inner = r * (h @ last.T + bias[2 * size :])
        else:
            inner = (r * h) @ last.T + bias[2 * size :]
        return ((1 - z) * np.tanh(x[..., 2 * size :] + inner) + z * h,)

    return step


def _rnn(x: Value, carry: Sequence[Value], weight: Value, bias: Value) -> tuple[Value, ...]:
    (h,) = carry
    return (np.tanh(x + (h @ weight.T + bias)),)


def _parts(x: Value, count: int) -> list[Value]:
    size = x.shape[-1] // count
    return [x[..., i * size : (i + 1) * size] for i in range(count)]


def _recurrent(
    operation: Operation, x: Value, w: Value, r: Value, b: Value = None, lengths: Value = None,
    h: Value = None, c: Value = None, peepholes: Value = None,
) -> tuple[Value, ...]:  # fmt: skip
    _check(operation, x, lengths, peepholes)
    kind = operation.node.operator
    size, directions = r.shape[-1], w.shape[0]
    zeros = np.zeros((directions, x.shape[1], size))
    if b is None:
        b = np.zeros((directions, 2 * GATES[kind] * size))
    starts = [zeros if start is None else start for start in ([h, c] if kind == "LSTM" else [h])]
    backward = DIRECTIONS[operation.get("direction", "forward")]
    step: Any = {"LSTM": _lstm, "GRU": _gru(bool(operation.get("linear_before_reset", 0))), "RNN": _rnn}[kind]
    runs = [
        _run(step, x, w[d], r[d], _parts(b[d], 2), [start[d] for start in starts], turned)
        for d, turned in enumerate(backward)
    ]
    outputs = np.stack([np.stack([run[0][t] for run in runs]) for t in range(x.shape[0])])
    return outputs, *(np.stack([run[1][i] for run in runs]) for i in range(len(starts)))


def _run(
    step: Step, x: Value, w: Value, r: Value, biases: list[Value], carry: Sequence[Value], backward: bool
) -> tuple[list[Value], Sequence[Value]]:
    """The outputs by time of one direction, and its last carry."""
    projected = x @ w.T + biases[0]
    outputs: dict[int, Value] = {}
    for t in reversed(range(x.shape[0])) if backward else range(x.shape[0]):
        carry = step(projected[t], carry, r, biases[1])
        outputs[t] = carry[0]
    return [outputs[t] for t in range(x.shape[0])], carry


def _check(operation: Operation, x: Value, lengths: Value, peepholes: Value) -> None:
    usual = USUAL[operation.node.operator]
    given = operation.get("activations", usual)
    if given not in (usual, 2 * usual) or any(operation.get(name) for name in ("clip", "input_forget")):
        raise operation.refuse("other activations, clip or input_forget")
    if operation.get("layout", 0) or peepholes is not None:
        raise operation.refuse("layout=1 or peepholes")
    if lengths is not None and not (np.asarray(lengths) == x.shape[0]).all():
        raise operation.refuse("sequences of several lengths")


RECURRENT: dict[str, Definition] = dict.fromkeys(USUAL, _recurrent)
