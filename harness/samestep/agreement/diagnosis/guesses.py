"""What could have been done wrong, each as the tensor that would have come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from samestep.agreement.arithmetic.low_precision import PRODUCTS
from samestep.agreement.diagnosis.factors import constant_factor, weight_decay
from samestep.agreement.diagnosis.mismatch import Guess, Mismatch
from samestep.agreement.diagnosis.other_inputs import other_batch, updated_params


def stale_values(mismatch: Mismatch) -> Iterator[Guess]:
    """Return the tensor of an earlier step, alone or added to this one's."""
    if mismatch.before is not None and np.array_equal(mismatch.got, mismatch.before):
        yield Guess("stale", f"{mismatch.tensor} does not move", mismatch.before)
    first = mismatch.first.get(mismatch.tensor)
    if first is None or first.shape != mismatch.got.shape or first is mismatch.got:
        return
    yield Guess("stale", f"{mismatch.tensor} is that of the first step", first)
    if mismatch.before is None:
        words = f"{mismatch.tensor} is added to that of the step before"
        yield Guess("stale", words, mismatch.expected + first)


def single_element(mismatch: Mismatch) -> Iterator[Guess]:
    """Return the expected tensor with its worst element replaced by the candidate's."""
    if mismatch.got.size <= 4:
        return
    error = np.abs(mismatch.got.astype(np.float64) - mismatch.expected)
    at = np.unravel_index(error.argmax(), error.shape)
    tensor = mismatch.expected.copy()
    tensor[at] = mismatch.got[at]
    yield Guess("element", f"one element of {mismatch.tensor} is wrong, {[int(i) for i in at]}", tensor)


def other_order(mismatch: Mismatch) -> Iterator[Guess]:
    """Return the tensor transposed, with rows or columns in another order, or shifted by one."""
    got, expected = mismatch.got, mismatch.expected
    if expected.ndim == 2 and expected.shape[0] == expected.shape[1]:
        yield Guess("transposed", f"{mismatch.tensor} is transposed", expected.T)
    if not expected.ndim or max(expected.size, max(expected.shape) ** 2) > 10**7:
        return
    for axis, what in ((0, "rows"), (1, "columns"))[: expected.ndim]:
        order = _matching_order(np.moveaxis(got, axis, 0), np.moveaxis(expected, axis, 0))
        if order is not None:
            words = f"the {what} of {mismatch.tensor} are in another order"
            yield Guess("order", words, expected.take(order, axis))
    for shift in (1, -1):
        shifted = np.roll(expected.reshape(-1), shift).reshape(expected.shape)
        yield Guess("order", f"{mismatch.tensor} is shifted by one", shifted)


def _matching_order(got: np.ndarray, expected: np.ndarray) -> np.ndarray | None:
    """For each row of ``got`` the row of ``expected`` that it is nearest to, if that is a reordering."""
    a, b = got.reshape(len(got), -1).astype(np.float64), expected.reshape(len(expected), -1)
    distance = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None, :] - 2 * a @ b.T
    order = distance.argmin(axis=1)
    is_reordering = len(set(order.tolist())) == len(order) and (order != np.arange(len(order))).any()
    return order if is_reordering else None


def other_arithmetic(mismatch: Mismatch) -> Iterator[Guess]:
    """Return the tensor with one of the matrix products done in another arithmetic."""
    reference, task, point = mismatch.reference, mismatch.expectation.task, mismatch.point
    if reference.dtype != "float32" or mismatch.expected.size < 2:
        return
    for name in PRODUCTS:
        for only in range(reference.count_products(task, point)):
            tensor = reference.with_arithmetic(task, point, name, only).all[mismatch.tensor]
            yield Guess("precision", f"a matrix product is computed with {name}", tensor)


def open_gates(mismatch: Mismatch) -> Iterator[Guess]:
    """Return the tensor with gradients that pass where relu is closed."""
    task, point = mismatch.expectation.task, mismatch.point
    outcome = mismatch.reference.with_arithmetic(task, point, "gates open")
    yield Guess("gate", "gradients pass where relu is closed", outcome.all[mismatch.tensor])


#: In the order in which they are tried: the first that explains the error is the diagnosis.
GUESSES: tuple[Callable[[Mismatch], Iterator[Guess]], ...] = (
    stale_values, single_element, other_batch, updated_params, open_gates, weight_decay, other_order,
    constant_factor, other_arithmetic,
)  # fmt: skip
