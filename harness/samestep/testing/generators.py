"""The global random generators before a test, so that models with unseeded weights can be made again.

Python's and NumPy's, and PyTorch's on the CPU; one of a library that nobody has imported yet is left alone.
JAX has none.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping

import numpy as np

States = dict[str, np.ndarray]


def read_generators() -> States:
    """Return the states of the global generators as arrays by name."""
    _, words, gauss = random.getstate()
    _, key, position, has_gauss, numpy_gauss = np.random.get_state()
    states: States = {
        "python": np.array(words, np.uint64),
        "python gauss": np.array([] if gauss is None else [gauss], np.float64),
        "numpy": np.array(key, np.uint32),
        "numpy position": np.array([position, has_gauss], np.int64),
        "numpy gauss": np.array([numpy_gauss], np.float64),
    }
    if "torch" in sys.modules:
        from samestep.models.torch.randomness import global_state

        states["torch"] = global_state()
    return states


def restore_generators(states: Mapping[str, np.ndarray]) -> None:
    """Put the global generators into states that `read_generators` returned."""
    gauss = [float(value) for value in states["python gauss"]]
    random.setstate((3, tuple(int(word) for word in states["python"]), gauss[0] if gauss else None))
    position, has_gauss = (int(value) for value in states["numpy position"])
    np.random.set_state(("MT19937", states["numpy"], position, has_gauss, float(states["numpy gauss"][0])))
    if "torch" in states:
        from samestep.models.torch.randomness import set_global_state

        set_global_state(states["torch"])
