"""Runs a framework's function of a pitfall beside the formula; this is what a worker does."""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np

from samestep.conventions.ports.closeness import Closeness, closeness
from samestep.conventions.ports.pitfall import MATCHED, pitfalls


def port_answer(framework: str, key: str) -> str | None:
    """Return how near the framework's function is to the formula; None where it has no such function.

    ``key`` is a pitfall as ``topic/name``, with `MATCHED` behind it for the function that should agree.
    """
    topic, _, name = key.partition("/")
    path = f"samestep.conventions.ports.{topic}"
    if framework == "numpy" or importlib.util.find_spec(f"{path}.{framework}") is None:
        return None
    function = getattr(importlib.import_module(f"{path}.{framework}"), name, None)
    if function is None:
        return None
    pitfall = pitfalls()[key.removesuffix(MATCHED)]
    formula = getattr(importlib.import_module(f"{path}.numpy"), pitfall.name)
    arrays = importlib.import_module(f"samestep.conventions.ports.{framework}")

    def measured(seed: int) -> Closeness:
        given = pitfall.arrays(seed)
        got = function(**{name: arrays.native(x) for name, x in given.items()})
        return closeness(arrays.plain(got), formula, given)

    with np.errstate(all="ignore"):
        found = measured(0)
        return found.text(found.factor is not None and found.same_factor(measured(1)))
