"""The inputs and targets of a port file: arrays of NumPy's, and the same ones again from the same seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.catalog.spec_fields import Wrong, shown
from samestep.models.asked import ask
from samestep.models.losses import NAMES as LOSSES
from samestep.ports.port_file import PortFile


def check_drawn(port: PortFile, seed: int) -> None:
    """Raise `Wrong` or SamestepError unless inputs and targets are arrays of NumPy's, and the same ones
    again from the same seed."""
    inputs, targets = port.drawn(np.random.default_rng(seed))
    for place, value in [*_placed(inputs), ("targets(rng)", targets)]:
        if not isinstance(value, np.ndarray | np.generic | int | float | None):
            raise Wrong(f"{place} is {shown(value)}, expected a NumPy array")
    has_loss = port.loss is not None or any(side.mark.loss for side in (port.reference, *port.candidates))
    if has_loss and targets is None:
        raise Wrong("loss needs targets(rng): a function that returns a NumPy array")
    if targets is not None and not has_loss:
        raise Wrong(f"targets without a loss: add loss = {LOSSES[0]!r}, or a function of (outputs, targets)")
    ask(inputs, LOSSES[0] if has_loss else None, targets, seed)
    if not _same((inputs, targets), port.drawn(np.random.default_rng(seed))):
        raise Wrong(
            "inputs(rng) or targets(rng) gives other values for the same rng: draw everything from rng"
        )


def _placed(inputs: object) -> list[tuple[str, object]]:
    """Return each input with its place."""
    if inputs is None:
        raise Wrong("inputs(rng) returns nothing: return a tuple or dict of NumPy arrays")
    if isinstance(inputs, Mapping):
        return [(f"inputs(rng)[{name!r}]", value) for name, value in inputs.items()]
    if isinstance(inputs, tuple | list):
        return [(f"inputs(rng)[{i}]", value) for i, value in enumerate(inputs)]
    return [("inputs(rng)", inputs)]


def _same(one: object, other: object) -> bool:
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and list(one) == list(other)
            and _same([*one.values()], [*other.values()])
        )
    if isinstance(one, tuple | list):
        return isinstance(other, tuple | list) and len(one) == len(other) and all(map(_same, one, other))
    return np.array_equal(np.asarray(one), np.asarray(other))
