"""What a layer says of itself: its type, and the numbers and words that it was made with."""

from __future__ import annotations

import torch

from samestep.models.subject import Layer

PLAIN = (bool, int, float, str)


def layer_of(name: str, module: torch.nn.Module) -> Layer:
    """Return the layer that a module is, with its public attributes that are plain values or tuples of them.

    ``training`` is one: it says how batch norms and dropouts behave.
    """
    settings = {
        key: value for key, value in vars(module).items() if not key.startswith("_") and _plain(value)
    }
    return Layer(name, type(module).__name__, settings)


def _plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_plain(part) for part in value)
    return isinstance(value, PLAIN)
