"""Both sides at numbers that float32 holds, where one of them is in float64: a port has rounded its weights.

That is no other function: a side in float64 computes more accurately, and is compared at the other's values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.models.subject import Subject

HALVES = {"float16", "bfloat16"}

Values = Mapping[str, np.ndarray]


def as_held(candidate: Subject, reference: Subject) -> tuple[Subject, Subject, tuple[str, ...]]:
    """Return both sides, and what is to be said of values that were rounded. Raises `ModelError`."""
    wide = is_wide(candidate.parameters()), is_wide(reference.parameters())
    if wide == (True, False):
        candidate, notes = _rounded(candidate, "candidate")
        return candidate, reference, notes
    if wide == (False, True):
        reference, notes = _rounded(reference, "reference")
        return candidate, reference, notes
    return candidate, reference, _halves(candidate.parameters(), reference.parameters())


def _halves(mine: Values, theirs: Values) -> tuple[str, ...]:
    """Said where one side alone holds its parameters in half precision."""
    narrow = [
        {str(x.dtype) for x in side.values() if x.dtype.itemsize < 4} & HALVES for side in (mine, theirs)
    ]
    if narrow[0] == narrow[1] or all(narrow):
        return ()
    side, dtype = ("candidate", min(narrow[0])) if narrow[0] else ("reference", min(narrow[1]))
    return (f"parameters of the {side} alone are {dtype}: dtypes=({dtype!r},) asks two float32 models in it",)


def is_wide(values: Values) -> bool:
    """Return whether floating values are all held in float64; False where there are none."""
    floating = [value for value in values.values() if value.dtype.kind in "fV"]
    return bool(floating) and all(value.dtype == np.float64 for value in floating)


def _rounded(side: Subject, name: str) -> tuple[Subject, tuple[str, ...]]:
    """A side with its float64 values rounded to float32."""
    parameters, state = side.parameters(), side.state()
    moved = {what: _moved(values) for what, values in (("parameters", parameters), ("state", state))}
    if not any(moved.values()):
        return side, ()
    count = f"{len(moved['parameters'])} of {len(parameters)} parameters of the {name}"
    notes = (f"{count} are float64, and compared as float32 holds them",) if moved["parameters"] else ()
    return side.with_values(moved["parameters"], moved["state"]), notes


def _moved(values: Values) -> dict[str, np.ndarray]:
    """Those that float32 does not hold, rounded to it."""
    wide = {name: x for name, x in values.items() if x.dtype == np.float64}
    narrow = {name: x.astype(np.float32).astype(np.float64) for name, x in wide.items()}
    return {name: x for name, x in narrow.items() if not np.array_equal(x, wide[name], equal_nan=True)}
