"""How far two implementations are from each other, in sigma of the reference's spread.

Two correct computations differ by at most the sum of their distances from the exact one; many share the same
kernels, and give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from samestep.agreement.findings import Distance

Values = Mapping[str, np.ndarray]


def save_outputs(path: Path, values: Values, sigmas: Values) -> None:
    """Write what an implementation gave at its first step, for another process to compare.

    ``values`` and ``sigmas`` are arrays by tensor, of the same shape and in the tensor's units. All of it is
    written, or no file: a full disk or a worker that dies costs the comparison, not the verdict, so no
    OSError is raised.
    """
    both = {**{f"got|{n}": a for n, a in values.items()}, **{f"sigma|{n}": a for n, a in sigmas.items()}}
    unfinished = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            np.savez(file, **both)  # type: ignore[arg-type]  # the stub takes a name for allow_pickle
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()


def load_outputs(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the values and the sigmas of a file that `save_outputs` wrote. Raises OSError without one."""
    parts: dict[str, dict[str, np.ndarray]] = {"got": {}, "sigma": {}}
    with np.load(path) as arrays:
        for name in arrays.files:
            part, _, tensor = name.partition("|")
            parts[part][tensor] = arrays[name]
    return parts["got"], parts["sigma"]


def measure_distance(a: Values, b: Values, sigmas: Values) -> Distance | None:
    """Return the distance between two sets of tensors over those that are in both, in the same shape.

    ``sigmas`` holds the spread of each floating tensor, in its shape and units. None where no floating tensor
    is in both.
    """
    names = [name for name in a if name in b and name in sigmas and a[name].shape == b[name].shape]
    if not names:
        return None
    worst, squares, count, same = 0.0, 0.0, 0, True
    for name in names:
        one, other = a[name], b[name]
        same = same and bool(np.array_equal(one, other, equal_nan=True))
        with np.errstate(all="ignore"):
            ratio = np.abs(one.astype(np.float64) - other) / sigmas[name]
        ratio = ratio[np.isfinite(ratio)]
        worst = max(worst, float(ratio.max(initial=0.0)))
        squares, count = squares + float(np.square(ratio).sum()), count + ratio.size
    return Distance(worst, (squares / count) ** 0.5 if count else 0.0, len(names), same)
