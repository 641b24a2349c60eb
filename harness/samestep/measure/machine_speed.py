"""The machine's own speed, by which the tasks' are measured: the product of two large matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.frameworks import Adapter
from samestep.measure.clock import processor_time, timed
from samestep.measure.interference import Interference

#: How many undisturbed products are timed, and how many at most: the quickest is the machine's speed.
PRODUCTS, MOST_PRODUCTS = 2, 5


@dataclass(frozen=True)
class PeakTiming:
    """Seconds and operations of one large matrix product, and how many processors were busy; ``disturbed``
    where others took a processor during each of them."""

    seconds: float
    flops: float
    processors: float
    disturbed: bool = False


class Peak:
    """The product of two square matrices, nothing but multiply-adds."""

    SIZE = 2048

    def __init__(self, adapter: Adapter, dtype: str) -> None:
        rng = np.random.default_rng(0)
        square = rng.standard_normal((self.SIZE, self.SIZE)).astype(dtype)
        self.adapter = adapter
        self.a, self.b = adapter.asarray(square), adapter.asarray(square.T.copy())
        self.interference = Interference()
        self.interference.settle(self.product().seconds)  # the first one starts threads and touches pages

    def sample(self) -> PeakTiming:
        """Time several products; return the quickest of those that nobody disturbed, or of all."""
        taken: list[PeakTiming] = []
        while len(taken) < MOST_PRODUCTS and sum(not one.disturbed for one in taken) < PRODUCTS:
            taken.append(self.product())
        return min(taken, key=lambda one: (one.disturbed, one.seconds))

    def product(self) -> PeakTiming:
        """Time one product; the busy processors show what a framework does that reports no thread count."""
        before, spent = self.interference.read(), processor_time()
        seconds, _ = timed(lambda: self.adapter.matmul(self.a, self.b), self.adapter.wait)
        processors = (processor_time() - spent) / seconds
        disturbed = self.interference.read().disturbed(before, seconds)
        return PeakTiming(seconds, 2.0 * self.SIZE**3, processors, disturbed)
