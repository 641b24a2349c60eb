"""What these parameters and inputs hide: said beside every verdict, since no limit can show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from samestep.models.subject import Layer
from samestep.models.tensors import Role, TensorKey, Tensors

#: Activations with a kink, and where their outputs show that it was reached: the value that they clip to.
CLIPPED = {
    "ReLU": (0.0,), "ReLU6": (0.0, 6.0), "Hardtanh": (-1.0, 1.0), "Threshold": (), "Hardsigmoid": (0.0, 1.0),
    "relu": (0.0,), "relu6": (0.0, 6.0),
}  # fmt: skip
#: Names printed of a long list.
NAMED = 3


def hidden(parameters: Mapping[str, np.ndarray], layers: Sequence[Layer], exact: Tensors) -> tuple[str, ...]:
    """Return what cannot be seen, a line each.

    ``parameters`` are the reference's, ``layers`` its layers, and ``exact`` its tensors in float64.
    """
    return (*_constant(parameters), *_unreached(layers, exact))


def _constant(parameters: Mapping[str, np.ndarray]) -> list[str]:
    lines = []
    for value, what in ((0.0, "added"), (1.0, "multiplied")):
        names = [name for name, array in parameters.items() if array.size and bool((array == value).all())]
        if names:
            verb = "is" if len(names) == 1 else "are"
            lines.append(
                f"{_listed(names)} {verb} all {value:g}, which hides what is {what} there (perturb=True)"
            )
    return lines


def _unreached(layers: Sequence[Layer], exact: Tensors) -> list[str]:
    names = []
    for layer in layers:
        output = exact.get(TensorKey(Role.LAYER, layer.name))
        if output is None or layer.kind not in CLIPPED:
            continue
        if not all(bool((output == value).any()) for value in CLIPPED[layer.kind]):
            names.append(layer.name)
    if not names:
        return []
    verb = "never reaches its kink" if len(names) == 1 else "never reach their kinks"
    return [f"{_listed(names)} {verb} on these inputs"]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
