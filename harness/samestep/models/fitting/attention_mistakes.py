"""Mistakes in attention and softmax: the scale, the mask and its value, the axis, the heads."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import log_softmax, softmax

from samestep.models.fitting.attention_pieces import own_attention
from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken

#: What masked scores are set to, or have added, in place of -inf.
FILLS = (-1.0, -10.0, -20.0, -100.0, -1e3, -1e4, -1e9)


def scale(d: Difference) -> Models:
    """Another factor on the scores than 1 / sqrt(d)."""
    if (own := own_attention(d)) is None:
        return
    width, check = own.query.shape[-1], own.output()
    whole = width * own.query.shape[-3] if own.query.ndim > 2 else width
    for value, words in ((1.0, "1"), (1 / width, f"1/{width}"), (whole**-0.5, f"1/sqrt({whole})")):
        if value != own.scale:
            text = f"scores are scaled by {words}, where the reference has 1/sqrt({width})"
            yield fixed(own.output(value), text, check=check)
    yield Model(
        own.output,
        lambda value: f"scores are scaled by {spoken(value)}, the reference's by {spoken(own.scale)}",
        (own.scale,),
        free=True,
        check=check,
        logarithmic=True,
    )


def temperature(d: Difference) -> Models:
    """A factor on the input of a softmax."""
    function = log_softmax if d.layer == "log_softmax" else softmax
    if (x := d.input) is None or x.dtype.kind != "f" or not x.ndim:
        return
    axis = _own_axis(d, x)
    yield Model(
        lambda value: function(x * value, axis),
        lambda value: f"the softmax's input is multiplied by {spoken(value)}",
        (1.0,),
        free=True,
        check=function(x, axis),
    )


def score_axis(d: Difference) -> Models:
    """An attention whose softmax is over the queries."""
    if (own := own_attention(d)) is not None:
        lowest = float(np.finfo(np.float32).min)  # -inf for a key that no query sees is 0 / 0
        yield fixed(
            own.output(fill=lowest, axis=-2),
            "the softmax is over the queries, not the keys",
            check=own.output(),
        )


def softmax_axis(d: Difference) -> Models:
    """A softmax over another axis, or without its logarithm."""
    if (x := d.input) is None or x.dtype.kind != "f" or not x.ndim:
        return
    forms = (log_softmax, softmax) if d.layer == "log_softmax" else (softmax, log_softmax)
    axis = _own_axis(d, x)
    check = forms[0](x, axis)
    for other in range(x.ndim):
        if other != axis:
            words = f"the softmax is over axis {other}, not {axis}"
            yield fixed(forms[0](x, other), words, check=check)
    words = f"it is a {forms[1].__name__}, where the reference has a {forms[0].__name__}"
    yield fixed(forms[1](x, axis), words, check=check)


def _own_axis(d: Difference, x: np.ndarray) -> int:
    axis = d.setting("dim", "axis")
    return (x.ndim - 1 if axis is None else int(axis)) % x.ndim


def mask(d: Difference) -> Models:
    """A causal mask that is missing, there though it should not be, or shifted by one."""
    if (own := own_attention(d)) is None:
        return
    shape, check = (own.query.shape[-2], own.key.shape[-2]), own.output()
    lowest = float(np.finfo(np.float32).min)
    none = np.zeros(shape, bool)
    yield fixed(own.output(blocked=none), "the mask is missing", check=check)
    yield fixed(own.output(blocked=~own.blocked), "the mask is inverted", check=check)
    if own.blocked.shape == shape and shape[0] > 1:
        for first, words in ((0, "before itself only"), (2, "one position ahead"), (1, "no later position")):
            later = np.triu(np.ones(shape, bool), first)
            text = f"a causal mask lets each position see {words}"
            if not np.array_equal(later, own.blocked):
                yield fixed(own.output(blocked=later, fill=lowest), text, check=check)


def _say_fill(words: str, value: float) -> str:
    return f"{words.format(spoken(value))}, where the reference blocks them"


def mask_value(d: Difference) -> Models:
    """Masked scores that are finite where the reference's are -inf."""
    own = own_attention(d)
    if own is None or not own.blocked.any():
        return
    check = own.output()
    for tensor, words in (
        (own.filled, "masked scores are {}"),
        (own.added_fill, "masked scores have {} added"),
    ):
        yield Model(
            tensor,
            partial(_say_fill, words),
            FILLS,
            free=True,
            check=check,
        )


def softmax_fill(d: Difference) -> Models:
    """Entries of a softmax's input that are finite where the reference's are -inf, or nearly."""
    if (x := d.input) is None or x.dtype.kind != "f" or not x.ndim:
        return
    axis, blocked = _own_axis(d, x), x <= min(FILLS)
    if blocked.any():
        yield Model(
            lambda value: softmax(np.where(blocked, value, x), axis),
            lambda value: f"masked scores are {spoken(value)}, where the reference's are {x.min():g}",
            FILLS,
            free=True,
            check=softmax(x, axis),
        )


def heads(d: Difference) -> Models:
    """Heads cut from the features in another order: (width, heads) for (heads, width)."""
    own = own_attention(d)
    if own is None or own.query.ndim < 4:
        return
    count, width = own.query.shape[-3], own.query.shape[-1]
    if count == 1:
        return
    recut = own._replace(
        query=_recut(own.query), key=_recut(own.key), value=_recut(own.value),
    )  # fmt: skip
    words = f"heads are cut as (width {width}, heads {count}), where the reference cuts (heads, width)"
    yield fixed(recut.output(), f"{words}, and merged so", check=own.output())
    back = recut._replace(finish=lambda out: own.finish(_uncut(out)))
    yield fixed(back.output(), words, check=own.output())


def _recut(x: np.ndarray) -> np.ndarray:
    """(..., heads, positions, width), with features cut as (width, heads)."""
    flat = x.swapaxes(-2, -3)
    return flat.reshape(*flat.shape[:-2], x.shape[-1], x.shape[-3]).swapaxes(-1, -2).swapaxes(-2, -3)


def _uncut(x: np.ndarray) -> np.ndarray:
    flat = x.swapaxes(-2, -3).swapaxes(-1, -2)
    return flat.reshape(*flat.shape[:-2], x.shape[-3], x.shape[-1]).swapaxes(-2, -3)
