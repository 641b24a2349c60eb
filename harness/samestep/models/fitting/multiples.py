"""Mistakes that need no knowledge of the layer: a factor, a constant, a part that is wrong, dropout."""

from __future__ import annotations

from math import log10

import numpy as np

from samestep.agreement.limits import DEVIATIONS, EXPLAINED
from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken, times
from samestep.models.tensors import GRADIENTS


def factor(d: Difference) -> Models:
    """A factor on the whole tensor, or on what changes in it."""
    before, change = change_of(d)
    if not np.any(d.got - before):
        yield fixed(d.got, f"{d.what} is {'not updated' if np.ndim(before) else 0}")
        return

    def say(value: float) -> str:
        if value == -1:
            return f"the sign of {d.what} is swapped"
        again = ", as if added twice" if value == 2 and d.role in GRADIENTS else ""
        return f"{what} is {times(value)}{again}"

    what = f"the change of {d.what}" if np.ndim(before) else d.what
    yield Model(lambda value: before + value * change, say, (1.0,), free=True, own=1.0)


def reduction(d: Difference) -> Models:
    """A mean over N in place of a sum, or a sum in place of a mean; N is a size of an input."""
    before, change = change_of(d)
    shape = d.inputs[0].shape if d.inputs else d.expected.shape
    counts = {*shape, *(int(n) for n in np.cumprod(shape)), *(int(n) for n in np.cumprod(shape[::-1]))}
    counts |= {int((x >= 0).sum()) for x in d.inputs[1:2]}  # targets that are not ignored
    counts |= {int(n) for name in ("batch", "batch_size") if (n := d.setting(name))}
    for count in sorted(n for n in counts if n > 2):
        mean = f"{d.what} is a mean over {count} where the reference's is a sum"
        total = f"{d.what} is a sum over {count} where the reference's is a mean"
        yield fixed(before + change / count, mean)
        yield fixed(before + change * count, total)


def clipped(d: Difference) -> Models:
    """A gradient that is clipped to a norm that a person would choose, or normalised."""
    norm, got = (float(np.sqrt(np.square(a).sum())) for a in (d.expected, d.got))
    if 0 < got < norm:
        value = float(f"{got:.1g}")
        text = f"{d.what} is clipped to the norm {spoken(value)} (it is {norm:.4g})"
        yield fixed(d.expected * (value / norm), text, 1.0)


def constant(d: Difference) -> Models:
    """A constant that is added to each element."""
    say = lambda value: f"{spoken(value)} is added to each element of {d.what}"  # noqa: E731
    yield Model(lambda value: d.expected + value, say, (0.0,), free=True)


def part(d: Difference) -> Models:
    """One slice along one axis that is wrong: by a factor, by a constant, or anyhow."""
    squares = np.square(d.got - d.expected)
    whole = float(squares.sum())
    for axis in range(d.expected.ndim if d.expected.ndim > 1 else 0):
        length = d.expected.shape[axis]
        along = squares.sum(axis=tuple(a for a in range(d.expected.ndim) if a != axis))
        at = int(along.argmax())
        if length < 2 or whole - along[at] > EXPLAINED**2 * whole or d.expected.size // length < 2:
            continue
        place: tuple[slice | int, ...] = (*[slice(None)] * axis, at)
        name, digits = f"[{', '.join([':'] * axis + [str(at)])}]", log10(length)
        for scale, shift, words in ((True, False, "{} times what it should be"), (False, True, "off by {}")):
            yield _slice(d, place, (scale, shift), f"{d.what} at {name} is {words}", digits)
        other = d.expected.copy()
        other[place] = d.got[place]
        alone = fixed(other, f"{d.what} is wrong at {name} alone", digits + 8)
        yield alone._replace(describes=True)


def _slice(
    d: Difference, place: tuple[slice | int, ...], kinds: tuple[bool, bool], words: str, digits: float
) -> Model:
    def tensor(value: float) -> np.ndarray:
        out = d.expected.copy()
        out[place] = out[place] * value if kinds[0] else out[place] + value
        return out

    start = 1.0 if kinds[0] else 0.0
    return Model(tensor, lambda v: words.format(spoken(v)), (start,), free=True, digits=digits, own=start)


def element(d: Difference) -> Models:
    """One element that is wrong."""
    if d.got.size <= 4:
        return
    at = np.unravel_index(np.abs(d.got - d.expected).argmax(), d.got.shape)
    tensor = d.expected.copy()
    tensor[at] = d.got[at]
    place = [int(i) for i in at]
    words = f"one element of {d.what} is wrong, at {place}: {d.got[at]:.6g} for {d.expected[at]:.6g}"
    yield fixed(tensor, words, log10(d.got.size))._replace(describes=True)


def dropout(d: Difference) -> Models:
    """Dropout left on: elements are 0, or 1 / (1 - p) times what they should be."""
    zero, live = d.got == 0, d.expected != 0
    dropped, kept = int((zero & live).sum()), ~zero & live
    if not dropped or not kept.any():
        return
    share = dropped / int(live.sum())
    p = 1 - 1 / float(np.median(d.got[kept] / d.expected[kept]))
    if 0 < p < 1 and abs(share - p) <= DEVIATIONS * (p * (1 - p) / live.sum()) ** 0.5:
        yield Model(
            lambda value: np.where(zero, 0.0, d.expected / (1 - value)),
            lambda value: f"dropout is on, with p = {spoken(value)}",
            (p,),
            free=True,
            digits=d.got.size * log10(2),
        )


def change_of(d: Difference) -> tuple[np.ndarray | float, np.ndarray]:
    """Return what the tensor was, and what is added to that."""
    if d.before is None or d.before.shape != d.expected.shape or d.role.value == "update of":
        return 0.0, d.expected
    return d.before, d.expected - d.before
