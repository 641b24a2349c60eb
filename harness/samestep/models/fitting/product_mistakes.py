"""Mistakes in linear layers, convolutions, poolings, embeddings: turned weights, moved windows, no bias."""

from __future__ import annotations

import numpy as np

from samestep.models.fitting.difference import Difference, Models, fixed
from samestep.models.fitting.product_layers import own_product


def bias(d: Difference) -> Models:
    """A bias that is missing, or added twice; on axis 1 or the last where the layer is not recomputed."""
    own = d.parameter("bias", "beta")
    if own is None or d.layer not in ("linear", "conv") or own.ndim != 1:
        return
    for axis in {1 % d.expected.ndim, d.expected.ndim - 1} if d.layer == "conv" else {d.expected.ndim - 1}:
        if d.expected.ndim and d.expected.shape[axis] == own.size:
            shift = own.reshape([own.size if a == axis else 1 for a in range(d.expected.ndim)])
            yield fixed(d.expected - shift, "the bias is missing")
            yield fixed(d.expected + shift, "the bias is added twice")


def turned_weight(d: Difference) -> Models:
    """A square weight that is transposed, a kernel that is flipped or whose height and width are swapped."""
    own = own_product(d)
    if own is None or not own.weight.ndim:
        return
    check, weight = own.output(), own.weight
    if weight.shape[own.channels[0]] == weight.shape[own.channels[1]]:
        turned = weight.swapaxes(*own.channels)
        axes = "input and output channels are" if own.spatial else "the weight is"
        yield fixed(own.output(weight=turned), f"{axes} transposed", check=check)
    if own.spatial:
        flipped = np.flip(weight, own.spatial)
        words = "the kernel is flipped (a convolution for a cross-correlation)"
        yield fixed(own.output(weight=flipped), words, check=check)
        for axis in own.spatial if len(own.spatial) > 1 else ():
            words = f"the kernel is flipped along axis {axis}"
            yield fixed(own.output(weight=np.flip(weight, axis)), words, check=check)
    if len(own.spatial) == 2 and weight.shape[own.spatial[0]] == weight.shape[own.spatial[1]]:
        swapped = own.output(weight=weight.swapaxes(*own.spatial))
        yield fixed(swapped, "the kernel's height and width are swapped", check=check)


def padding(d: Difference) -> Models:
    """Padding that is split otherwise between the two ends: SAME for symmetric."""
    own = own_product(d)
    if own is None or own.windows is None:
        return
    for windows in own.layings:
        if windows.before != own.windows.before:
            here, there = windows.before[0], own.windows.before[0]
            words = f"the padding in front is {here}, the reference's {there} (SAME for symmetric padding?)"
            yield fixed(own.output(windows=windows), words, check=own.output())


def counted_padding(d: Difference) -> Models:
    """An average pooling that counts padding, or does not."""
    own = own_product(d)
    if own is not None and d.layer == "avg_pool":
        words = "padding is {}counted in the mean, where the reference {} it"
        counts = bool(own.weight)
        text = words.format(*(("not ", "counts") if counts else ("", "does not count")))
        yield fixed(own.output(weight=np.array(not counts)), text, check=own.output())


def feature_order(d: Difference) -> Models:
    """An image that is flattened in another order: channels last for channels first."""
    own = own_product(d)
    if own is None or d.layer != "linear":
        return
    rows, features = own.x.shape[:-1], own.x.shape[-1]
    last = len(rows)
    for side in range(2, int(features**0.5) + 1):
        channels = features // (side * side)
        if features % (side * side) or channels == 1:
            continue
        for shape, order, words in (
            ((channels, side, side), (1, 2, 0), "(height, width, channels) for (channels, height, width)"),
            ((side, side, channels), (2, 0, 1), "(channels, height, width) for (height, width, channels)"),
        ):
            image = own.x.reshape(*rows, *shape)
            moved = image.transpose((*range(last), *(last + a for a in order))).reshape(own.x.shape)
            text = f"the input is flattened as {words}, with {channels} channels of {side} x {side}"
            yield fixed(own.output(x=moved), text, check=own.output())


def reversed_input(d: Difference) -> Models:
    """An input that is reversed along one of its axes."""
    own = own_product(d)
    if own is None:
        return
    for axis in range(own.x.ndim):
        if own.x.shape[axis] > 2:
            words = f"the input is reversed along axis {axis}"
            yield fixed(own.output(x=np.flip(own.x, axis)), words, check=own.output())


def embedding(d: Difference) -> Models:
    """Indices that are off by one."""
    table = d.parameter("weight", "embedding", "embeddings", "kernel")
    if (
        table is None
        or table.ndim != 2
        or not d.inputs
        or d.expected.shape != (*d.inputs[0].shape, table.shape[1])
    ):
        return
    index = d.inputs[0].astype(np.int64)
    check = table[np.clip(index, 0, len(table) - 1)]
    for shift in (1, -1):
        words = f"indices are off by one ({shift:+d})"
        yield fixed(table[np.clip(index + shift, 0, len(table) - 1)], words, check=check)
        yield fixed(table[(index + shift) % len(table)], f"{words}, and wrap around", check=check)
    root = table.shape[1] ** 0.5
    yield fixed(check * root, f"embeddings are multiplied by sqrt({table.shape[1]})", check=check)
    yield fixed(check, f"embeddings are not multiplied by sqrt({table.shape[1]})", check=check * root)
