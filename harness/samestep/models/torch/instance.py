"""A copy of a model that one run may change, and what it takes to make it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

#: The values of some parameters and states, by name, in place of a model's own.
Values = Mapping[str, np.ndarray]


@dataclass
class Instance:
    """One model, ready to be called once.

    ``parameters`` are its leaves by name; ``call(*inputs, **keywords)`` returns its outputs; ``state()``
    returns its buffers or carries by name, after the call the new ones. ``modules`` are its named submodules,
    empty where none can be observed. ``leaves_only``: gradients go to the leaves alone, since the call may
    reach other tensors of the user's. ``compiled``: it is the user's own model, compiled. ``attributes()``
    are what a call may change beside all that, by name, and ``remember(other, names)`` takes those of another
    instance over.
    """

    parameters: Mapping[str, torch.Tensor]
    call: Callable[..., Any]
    state: Callable[[], Mapping[str, torch.Tensor]]
    modules: Mapping[str, torch.nn.Module] = field(default_factory=dict)
    leaves_only: bool = False
    compiled: bool = False
    attributes: Callable[[], Iterable[tuple[str, object]]] = tuple
    remember: Callable[[Instance, Collection[str]], None] = lambda other, names: None


class Network(Protocol):
    """A user's model, which is never changed."""

    compiled: bool

    def describe(self) -> str:
        """Return what it is in a few words."""
        ...

    def parameters(self) -> Mapping[str, torch.Tensor]:
        """Return the user's own parameters, by name; a tied one once."""
        ...

    def frozen(self) -> frozenset[str]:
        """Return those parameters that have no gradient, by name."""
        ...

    def state(self) -> Mapping[str, torch.Tensor]:
        """Return the user's own buffers or carries, by name."""
        ...

    def tied(self) -> Mapping[str, str]:
        """Return the further names of what has several, with the first name of each."""
        ...

    def modules(self) -> Mapping[str, torch.nn.Module]:
        """Return the user's own named submodules."""
        ...

    def copy(self, values: Values) -> Instance:
        """Return a copy, not compiled, with ``values`` in place of some of its own."""
        ...

    def cast(self, dtype: torch.dtype) -> Network:
        """Return a copy with floating parameters and state in ``dtype``. Raises `ModelError`."""
        ...

    def native(self, values: Values) -> AbstractContextManager[Instance]:
        """Lend the model as it really runs, compiled or not; it is put back on leaving."""
        ...


def device_of(network: Network) -> torch.device:
    """Return the device of the first parameter or state; the CPU where there is none."""
    for tensor in (*network.parameters().values(), *network.state().values()):
        return tensor.device
    return torch.device("cpu")
