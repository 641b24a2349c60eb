"""Inputs that hide mistakes: variants of the caller's own, which keep shapes and the ranges of integers.

An eps is invisible where variances are near 1, a cap where no value reaches it, a mean over the batch where
all rows are alike. So the function is asked again on inputs that are much smaller, much larger, and shifted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from samestep.models.question import Question
from samestep.models.tensors import Role, TensorKey, Tensors

#: Factors and shifts of all floating inputs: small enough that a norm's eps counts, large enough that a cap
#: is reached, off centre so that a variance of one pass shows.
SCALES = (0.02, 50.0)
SHIFTS = (10.0,)


def variants(question: Question) -> Iterator[tuple[str, Question]]:
    """Return each variant with what was done to the inputs; none where no input is floating."""
    if not any(array.dtype.kind == "f" for array in question.inputs):
        return
    for scale in SCALES:
        yield f"inputs x {scale:g}", _changed(question, scale, 0.0)
    for shift in SHIFTS:
        yield f"inputs + {shift:g}", _changed(question, 1.0, shift)


def _changed(question: Question, scale: float, shift: float) -> Question:
    return question.with_inputs(
        (array * scale + shift).astype(array.dtype) if array.dtype.kind == "f" else array
        for array in question.inputs
    )


def batch_size(question: Question) -> int | None:
    """Return the number of rows that all inputs have in common as their first axis; None where they have
    none, or one row only."""
    sizes = {array.shape[0] if array.ndim else 0 for array in question.inputs}
    size = sizes.pop() if len(sizes) == 1 else 0
    return size if size > 1 else None


def with_rows(question: Question, rows: np.ndarray) -> Question:
    """Return the question with these rows of every input, forward only; ``rows`` are indices, shape (n,)."""
    return replace(
        question, inputs=tuple(array[rows] for array in question.inputs), loss=None, targets=None,
        backward=False, forced={},
    )  # fmt: skip


def rows_identical(whole: Tensors, part: Tensors, rows: np.ndarray) -> bool | None:
    """Return whether outputs of some rows are bit for bit those of the whole batch.

    None where no output has the rows as its first axis.
    """
    answers = []
    for key, value in part.items():
        if key.role is not Role.OUTPUT or value.ndim == 0 or value.shape[0] != len(rows):
            continue
        other = whole.get(TensorKey(Role.OUTPUT, key.name))
        if other is not None and other.shape[1:] == value.shape[1:] and other.shape[0] > int(rows.max()):
            answers.append(np.array_equal(other[rows], value, equal_nan=True))
    return all(answers) if answers else None
