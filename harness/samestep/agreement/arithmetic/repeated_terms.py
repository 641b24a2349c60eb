"""Equal terms of a sum round alike: how much more it errs than in the model of independent errors.

A running sum is a multiple of the spacing g of its binade, so adding p errs by the distance from p to the
nearest multiple of g, whatever the sum is. Equal terms err alike, and m of them by m times as much in place
of sqrt(m) times. So it is where a constant background of images passes a convolution, and a BatchNorm takes
its mean. Measured in sequential float32 loops of 20,000 terms, in standard deviations of independent errors:
0.81 where all terms differ, 15 where 30 % are one number, 50 where all are; over the root of `repetition`
0.81, 0.36 and 0.35.
"""

from __future__ import annotations

import numpy as np

from samestep.agreement.arithmetic.summation import LONG


def repetition(rows: np.ndarray) -> np.ndarray:
    """Return how much larger the variance of each sum is: the mean number of terms that a term is equal to.

    ``rows`` holds the terms of the sums, (..., terms), and the result has the shape of the sums. It is 1
    where all terms differ; a 0 counts as a term of its own, since adding it rounds nothing.
    """
    if rows.shape[-1] < LONG:
        return np.ones(rows.shape[:-1])
    at, ordered = np.arange(rows.shape[-1]), np.sort(rows, axis=-1)
    is_first = ordered == 0
    is_first[..., 0] = True
    is_first[..., 1:] |= ordered[..., 1:] != ordered[..., :-1]
    equal_before = at - np.maximum.accumulate(np.where(is_first, at, 0), axis=-1)
    # The m equal terms have 0, 1 ... m - 1 equal ones before them, and 1 + 3 + ... + (2 m - 1) is m squared
    return np.asarray((2 * equal_before + 1).mean(-1))
