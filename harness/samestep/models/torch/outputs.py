"""What a module returns: tensors in containers, which keep their types when a tensor is exchanged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from samestep.models.nested import Nested, leaves, parts_of

#: Keys and values that transformers returns for later calls, as tuples or in a cache of its own. They are no
#: result of this call; the layers that compute them are seen.
KEPT = "past_key_values"


def tensors_in(value: Nested) -> dict[str, torch.Tensor]:
    """Return the tensors by path, "" for a bare one; without None, numbers, kept keys and values."""
    return {
        path: leaf
        for path, leaf in leaves(value).items()
        if isinstance(leaf, torch.Tensor) and KEPT not in path.split(".")
    }


def exchanged(value: Nested, change: Callable[[str, torch.Tensor], torch.Tensor], path: str = "") -> Nested:
    """Return the value with ``change(path, tensor)`` for each tensor; the same object where none changes."""
    if isinstance(value, torch.Tensor):
        return change(path, value)
    parts = parts_of(value)
    if parts is None or path.endswith(KEPT):
        return value
    below = {name: exchanged(part, change, f"{path}.{name}" if path else name) for name, part in parts}
    if all(below[name] is part for name, part in parts):
        return value
    if isinstance(value, Mapping):  # of a type of its own, such as the ModelOutput of transformers
        new: Any = copy.copy(value)
        for key in value:
            new[key] = below[str(key)]
        return new
    if hasattr(value, "_fields"):
        return type(value)(*below.values())
    if isinstance(value, list | tuple):
        return type(value)(below.values())
    return replace(value, **{name: below[name] for name, part in parts if below[name] is not part})
