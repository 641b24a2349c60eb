"""What rounding may do to the tensors of a program."""

from __future__ import annotations

import numpy as np

from samestep.agreement.limits import FEWER_REPLICAS, FLOOR, elementwise_limit


def spread(program, exact):
    """The standard deviation of each element over replicas, at least a quarter of its tensor's."""
    replicas = [program.replica(seed) for seed in range(FEWER_REPLICAS)]
    squares = {key: np.mean([(r[key] - exact[key]) ** 2 for r in replicas], axis=0) for key in exact}
    return {key: np.maximum(np.sqrt(s), FLOOR * np.sqrt(np.mean(s))) for key, s in squares.items()}


def beyond(got, exact, sigma):
    """The keys of what is further from the exact values than rounding takes it."""
    limit = elementwise_limit(FEWER_REPLICAS)
    return [str(key) for key in got if (np.abs(got[key] - exact[key]) > limit * sigma[key]).any()]
