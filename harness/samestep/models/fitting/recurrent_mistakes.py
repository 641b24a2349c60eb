"""Mistakes in recurrent layers: the order of the gates, the reset, the update, biases, the direction."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from scipy.special import expit

from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken
from samestep.models.fitting.recurrent_layers import Function, Gates, Recurrence, own_recurrence
from samestep.models.fitting.resolution import rms

#: Rows of a batch on which a mistake is tried before all are computed.
ROWS = 4

#: What stands in a gate for sigmoid: Keras 3's and PyTorch's hard sigmoid, and that of Keras 1 and 2.
GATES: dict[str, Function] = {
    "hard sigmoids (x / 6 + 1/2)": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard sigmoids (0.2 x + 1/2)": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
}
#: What stands for tanh.
VALUES: dict[str, Function] = {
    "relu": lambda x: np.maximum(x, 0), "the identity": lambda x: x, "a sigmoid": expit
}  # fmt: skip


def gate_order(d: Difference) -> Models:
    """Gates in another order."""
    if (own := own_recurrence(d)) is None:
        return
    names = "".join(own.inputs)
    for order in list(permutations(names))[1:]:
        turned = dict(zip(names, order, strict=True))
        parts = [_renamed(p, turned) for p in (own.inputs, own.hidden, own.input_bias, own.hidden_bias)]
        other = own._replace(
            inputs=parts[0], hidden=parts[1], input_bias=parts[2], hidden_bias=parts[3]
        )  # fmt: skip
        words = f"the gates are in the order {', '.join(order)}, the reference's in {', '.join(names)}"
        yield from _tried(d, own, other, words)


def _tried(d: Difference, own: Recurrence, other: Recurrence, words: str) -> Models:
    """Return another recurrence as a mistake, if it explains the first rows of the batch."""
    batch = 1 if own.is_first and not own.is_last_only else 0
    got, expected = (np.moveaxis(a, batch, 0)[:ROWS] for a in (d.got, d.expected))
    first = np.moveaxis(other._replace(x=other.x[:ROWS]).output(), batch, 0)
    if rms(got - first) <= rms(got - expected) / 2:
        yield fixed(other.output(), words, check=own.output())


def _renamed(gates: Gates, turned: dict[str, str]) -> Gates:
    return {turned[gate]: value for gate, value in gates.items()}


def reset(d: Difference) -> Models:
    """A reset before the product where the reference resets after it, or the other way round."""
    own = own_recurrence(d)
    if own is not None and d.layer == "gru":
        other = own._replace(reset_after=not own.reset_after)
        where = "after" if other.reset_after else "before"
        words = f"the reset gate is applied {where} the product with the hidden weights (reset_after)"
        yield from _tried(d, own, other, words)
        words = "the update gate's z stands where 1 - z should"
        yield from _tried(d, own, own._replace(swaps_update=True), words)


def forget_bias(d: Difference) -> Models:
    """A constant that is added to the forget gate."""
    own = own_recurrence(d)
    if own is not None and d.layer == "lstm":
        yield Model(
            lambda value: own._replace(forget=value).output(),
            lambda value: f"{spoken(value)} is added in the forget gate (forget_bias)",
            (1.0, -1.0),
            free=True,
            check=own.output(),
        )


def initial_state(d: Difference) -> Models:
    """States that do not begin at 0."""
    if (own := own_recurrence(d)) is not None:
        yield Model(
            lambda value: own._replace(initial=value).output(),
            lambda value: f"its states begin at {spoken(value)}, the reference's at 0",
            (1.0, 0.1, -1.0),
            free=True,
            check=own.output(),
        )


def functions(d: Difference) -> Models:
    """Another function at the gates, for the new values, or of the cell."""
    if (own := own_recurrence(d)) is None:
        return
    for name, gate in GATES.items():
        yield from _tried(d, own, own._replace(gate=gate), f"the gates are {name}, the reference's sigmoid")
    for name, function in VALUES.items():
        words = f"new values go through {name}, the reference's through tanh"
        yield from _tried(d, own, own._replace(candidate=function), words)
        if own.kind == "lstm":
            words = f"the cell goes out through {name}, the reference's through tanh"
            yield from _tried(d, own, own._replace(squash=function), words)
            both = own._replace(candidate=function, squash=function)
            yield from _tried(d, own, both, f"the activation is {name}, the reference's tanh")


def recurrent_bias(d: Difference) -> Models:
    """One of the two biases is missing."""
    if (own := own_recurrence(d)) is None:
        return
    zero = {gate: np.zeros_like(value) for gate, value in own.input_bias.items()}
    for words, other in (
        ("the input's bias is missing", own._replace(input_bias=zero)),
        ("the hidden bias is missing", own._replace(hidden_bias=zero)),
        ("both biases are missing", own._replace(input_bias=zero, hidden_bias=zero)),
    ):
        yield from _tried(d, own, other, words)
    turned = own._replace(hidden={gate: u.T for gate, u in own.hidden.items()})
    yield from _tried(d, own, turned, "the hidden weights are transposed")


def direction(d: Difference) -> Models:
    """A sequence that is read from its end."""
    if (own := own_recurrence(d)) is None:
        return
    back = own._replace(x=np.flip(own.x, 1)).output()
    yield fixed(back, "the sequence is read from its end", check=own.output())
    if not own.is_last_only:
        axis = 0 if own.is_first else 1
        words = "the sequence is read from its end, and put back in order"
        yield fixed(np.flip(back, axis), words, check=own.output())
