"""How far two rungs are apart, in sigma of the reference's spread: do they agree with each other?

Two honest computations differ by at most what each of them differs from the exact one; many share the same
kernels, and give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from samestep.agreement.findings import Distance

Values = Mapping[str, np.ndarray]


def keep(path: Path, values: Values, sigmas: Values) -> None:
    """What a rung gave at its first step, for another process to compare: all of it, or no file.

    A full disk or a worker that dies costs the comparison, not the verdict.
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


def kept(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The values and the sigmas of a file that `keep` wrote."""
    parts: dict[str, dict[str, np.ndarray]] = {"got": {}, "sigma": {}}
    with np.load(path) as arrays:
        for name in arrays.files:
            part, _, tensor = name.partition("|")
            parts[part][tensor] = arrays[name]
    return parts["got"], parts["sigma"]


def apart(a: Values, b: Values, sigmas: Values) -> Distance | None:
    """None where no floating tensor is in both."""
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
