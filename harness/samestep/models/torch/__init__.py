"""A PyTorch module or function as reference and candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from samestep.models.nested import Nested
from samestep.models.subject import ModelError
from samestep.models.torch.function import FunctionNetwork
from samestep.models.torch.module import ModuleNetwork
from samestep.models.torch.subject import TorchSubject

__all__ = ["TorchSubject", "from_function", "from_module", "recognise"]


def from_module(module: torch.nn.Module) -> TorchSubject:
    """Return the side for a module, compiled or not, in the mode that it is in; it is never changed."""
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"a {type(module).__name__} is no torch.nn.Module")
    return TorchSubject(ModuleNetwork(module))


def from_function(call: Callable[..., Any], params: Nested = None, state: Nested = None) -> TorchSubject:
    """Return the side for a function of tensors.

    ``call(params, *inputs)``; with a ``state`` ``call(params, state, *inputs) -> (outputs, new_state)``;
    without params ``call(*inputs)``. Params and state are tensors or NumPy arrays in any nesting of dicts,
    lists and tuples. Raises `ModelError` for what cannot be called, and a state without params.
    """
    if not callable(call):
        raise ModelError(f"a {type(call).__name__} cannot be called: give a function of tensors")
    return TorchSubject(FunctionNetwork(call, params, state))


def recognise(model: object) -> TorchSubject | None:
    """Return the side for a torch.nn.Module; None for anything else."""
    return from_module(model) if isinstance(model, torch.nn.Module) else None
