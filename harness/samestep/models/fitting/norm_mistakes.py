"""Mistakes in norms: eps and its place, the variance's divisor, axes, groups, one-pass variances."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from samestep.agreement.limits import EXPLAINED_SIZE, gamma
from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken, times
from samestep.models.fitting.normalisation import EPS, Norm, eps_of, norms, scale_and_shift
from samestep.models.fitting.resolution import rms


class Own(NamedTuple):
    """The reference's norm with its ``eps``, and the output that they give."""

    norm: Norm
    eps: float
    output: np.ndarray


@lru_cache(maxsize=1)
def own_norm(d: Difference) -> Own | None:
    """Return the norm that gives the reference's output best; None without an input."""
    eps = eps_of(d)
    choices = (Own(n, e, n.output(e)) for n in norms(d) for e in (EPS if eps is None else (eps,)))
    return min(choices, key=lambda own: rms(own.output - d.expected), default=None)


def eps(d: Difference) -> Models:
    """Another eps under the root."""
    own, known = own_norm(d), eps_of(d)
    if own is not None:
        say = partial(_say_eps, own.eps)
        yield Model(own.norm.output, say, EPS, free=True, check=own.output, logarithmic=True)
    elif known is not None:
        yield from _eps_of_output(d, known)


def _say_eps(own: float, value: float) -> str:
    return f"eps {spoken(value)} where the reference has {spoken(own)}"


def _eps_of_output(d: Difference, own: float) -> Models:
    """Without an input: where 1 - q of a row's squares is missing to 1, its variance was eps q / (1 - q)."""
    weight, bias = scale_and_shift(d)
    if np.ndim(weight) > 1 or not np.all(weight) or d.layer not in ("layer_norm", "rms_norm"):
        return
    normal = (d.expected - bias) / weight
    missing = 1 - np.square(normal).mean(-1, keepdims=True)
    if not (missing > 0).all():
        return

    def tensor(value: float) -> np.ndarray:
        return np.asarray(normal / np.sqrt(1 + (value - own) / own * missing) * weight + bias)

    yield Model(tensor, partial(_say_eps, own), EPS, free=True, logarithmic=True)


def eps_place(d: Difference) -> Models:
    """Eps outside of the root."""
    if (own := own_norm(d)) is not None:
        outside = own.norm.divided(np.sqrt(own.norm.variance) + own.eps)
        words = "eps is added to the standard deviation, not to the variance"
        yield fixed(outside, words, check=own.output)
        largest = own.norm.divided(np.sqrt(np.maximum(own.norm.variance, own.eps)))
        yield fixed(largest, "the variance is at least eps, where the reference adds eps", check=own.output)


def ddof(d: Difference) -> Models:
    """A variance divided by n - 1."""
    own = own_norm(d)
    if own is None or own.norm.terms < 2:
        return
    unbiased = own.norm.variance * own.norm.terms / (own.norm.terms - 1)
    words = f"the variance is divided by n - 1 (n = {own.norm.terms}), not by n"
    yield fixed(own.norm.divided(np.sqrt(unbiased + own.eps)), words, check=own.output)
    outside = own.norm.divided(np.sqrt(unbiased) + own.eps)
    yield fixed(outside, f"{words}, and eps is added to the standard deviation", check=own.output)


def other_means(d: Difference) -> Models:
    """Means over other axes or groups, of the batch where they should be running, or not subtracted."""
    if (own := own_norm(d)) is None:
        return
    norm = own.norm
    for other in norms(d):
        is_other = other.words != norm.words and not np.array_equal(other.variance, norm.variance)
        if is_other and other.channel == norm.channel:
            words = f"it normalises {other.words}, not {norm.words}"
            yield fixed(other.output(own.eps), words, check=own.output)
    if d.layer == "rms_norm":
        mean = norm.x.mean(-1, keepdims=True)
        variance = np.square(norm.x - mean).mean(-1, keepdims=True)
        words = "the mean is subtracted, which an RMSNorm does not do"
        yield fixed(norm.divided(np.sqrt(variance + own.eps), mean), words, check=own.output)
    else:
        squares = norm.variance + np.square(norm.mean)
        words = "the mean is not subtracted"
        yield fixed(norm.divided(np.sqrt(squares + own.eps), 0.0), f"{words} (RMSNorm)", check=own.output)
        yield fixed(norm.divided(np.sqrt(norm.variance + own.eps), 0.0), words, check=own.output)


def affine(d: Difference) -> Models:
    """A weight or a bias that is missing, there twice, or off by a factor."""
    if (own := own_norm(d)) is None:
        return
    w, b = own.norm.affine
    for scale, shift, words in (
        (1.0, b, "the weight is missing"),
        (w, 0.0, "the bias is missing"),
        (w, 2 * b, "the bias is added twice"),
        (1 + w, b, "the weight is 1 + w"),
        (w - 1, b, "the weight is w - 1"),
    ):
        yield fixed(own.norm._replace(affine=(scale, shift)).output(own.eps), words, check=own.output)
    if np.any(b):
        yield Model(
            lambda value: own.norm._replace(affine=(value * w, b)).output(own.eps),
            lambda value: f"the weight is {times(value)}",
            free=True,
            check=own.output,
            own=1.0,
        )


def one_pass(d: Difference) -> Models:
    """A variance of E[x^2] - E[x]^2 in float32, which rounds at the size of the mean's square.

    What each variance lost is read off the output, and must be within what float32 can lose.
    """
    own = own_norm(d)
    is_single = np.array_equal(d.got, d.got.astype(np.float32))
    if own is None or not is_single or own.norm.terms < EXPLAINED_SIZE or not np.any(own.norm.mean):
        return
    norm = own.norm
    weight, bias = norm.affine
    normal = ((np.moveaxis(d.got, norm.channel, 1) - bias) / weight).reshape(norm.x.shape)
    centred = norm.x - norm.mean
    axes = tuple(a for a in range(centred.ndim) if norm.variance.shape[a] < centred.shape[a])
    scale = (normal * centred).sum(axes, keepdims=True) / np.square(centred).sum(axes, keepdims=True)
    lost = 1 / np.square(scale) - own.eps - norm.variance
    if (np.abs(lost) <= gamma(norm.terms, "float32") * (norm.variance + 2 * np.square(norm.mean))).all():
        words = "the variance is E[x^2] - E[x]^2 in float32 (one pass)"
        yield fixed(norm.divided(1 / scale), words, float(scale.size), check=own.output)
