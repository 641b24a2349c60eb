"""The generators that all modules share: what draws from them has other values in every process."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from samestep.catalog.spec_fields import Wrong

#: A seed that no user has: whoever draws from a generator, or seeds it, leaves it in another state.
SENTINEL = 0x5A4D3


@contextmanager
def untouched(what: str, instead: str) -> Iterator[None]:
    """Raise `Wrong` where the block draws from them or seeds them; put them back in any case.

    The message says that ``what`` draws, and what to do ``instead``. NumPy's is looked at where NumPy is
    loaded.
    """
    drawing = sys.modules.get("numpy.random")
    before = random.getstate(), drawing and drawing.get_state()
    random.seed(SENTINEL)
    if drawing:
        drawing.seed(SENTINEL)
    try:
        yield
        if random.random() != random.Random(SENTINEL).random():
            raise Wrong(f"{what} draws from Python's global generator (random){instead}")
        if drawing and drawing.random_sample() != drawing.RandomState(SENTINEL).random_sample():
            raise Wrong(f"{what} draws from NumPy's global generator (numpy.random){instead}")
    finally:
        random.setstate(before[0])
        if drawing:
            drawing.set_state(before[1])
