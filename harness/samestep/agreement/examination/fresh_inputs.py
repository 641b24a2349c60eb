"""Inputs that nobody has met before, drawn anew for each sample: a remembered result belongs to other ones.

They keep their shapes, dtypes and what they stand for, and are made in next to no time: each row of a
floating array is scaled by a number near 1, integer rows change places, and pixels move a little.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.agreement.limits import PERTURBATION
from samestep.spec import Case, Spec

Values = dict[str, np.ndarray]


def fresh_arrays(spec: Spec, case: Case, arrays: Mapping[str, np.ndarray], draw: int) -> Values:
    """Return other arrays of the same shapes and dtypes; the same ones for the same ``draw``, from 0 on."""
    axes, fresh = spec.axes(case), dict[str, np.ndarray]()
    for name, array in arrays.items():
        rng = np.random.default_rng((draw, *name.encode()))
        fresh[name] = _fresh(array, axes.get(name, ""), rng, inwards=name in spec.probabilities)
    return fresh


def _fresh(array: np.ndarray, letters: str, rng: np.random.Generator, inwards: bool) -> np.ndarray:
    if array.dtype.kind == "f":
        moves = PERTURBATION * rng.standard_normal((*array.shape[:1], *[1] * (array.ndim - 1)))
        return np.asarray(array * (1 - np.abs(moves) if inwards else 1 + moves).astype(array.dtype))
    if array.dtype == np.uint8 and array.ndim > 1:
        return np.asarray(np.maximum(array, rng.integers(1, 3, array.shape[1:], np.uint8)))
    if letters[:1] in ("", "."):  # their order means something
        return array.copy()
    return array.take(rng.permutation(len(array)), axis=0)
