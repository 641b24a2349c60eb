"""A tensor of its own for each layer's output, so that the gradient there is that of the uses after the call.

What a layer uses inside and returns as well, what it returns unchanged, and what a layer inside of it returns
would have the gradient of all its uses. A view of it has that of the later ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.weak import WeakTensorKeyDictionary


@dataclass(frozen=True)
class _Watched:
    """A view whose gradient cannot be followed once it is changed in place; ``ours`` if it was made here."""

    name: str
    tensor: torch.Tensor
    version: int
    ours: bool


class OwnGradients:
    """The views of one run. ``shared`` are the layers of which none is made, since it is changed in place."""

    def __init__(self, shared: frozenset[str]) -> None:
        self._shared = shared
        self._history = WeakTensorKeyDictionary()  # of the outputs so far: the operation that made each
        self._watched: list[_Watched] = []

    def of(
        self, name: str, layer: torch.nn.Module | None, output: torch.Tensor, is_input: bool
    ) -> torch.Tensor:
        """Return what goes on from the output of ``layer`` (None: a value of no layer): itself, or a view."""
        ours = name not in self._shared and not self._is_made_for_return(layer, output, is_input)
        own = output.view_as(output) if ours else output
        self._history[own] = own.grad_fn
        if own._is_view():
            self._watched.append(_Watched(name, own, own._version, ours))
        return own

    def _is_made_for_return(
        self, layer: torch.nn.Module | None, output: torch.Tensor, is_input: bool
    ) -> bool:
        """Whether the layer is one of PyTorch's own without parts, and has just computed what it returns."""
        if (
            layer is None
            or not type(layer).__module__.startswith("torch.nn.")
            or any(True for _ in layer.children())
        ):
            return False
        if output in self._history:  # an earlier layer's; in place, another operation has made it since
            return self._history[output] is not output.grad_fn
        return not output.is_leaf and not is_input

    def changed(self, ours: bool) -> frozenset[str]:
        """Return the layers whose output, a view made here or by the model, was changed in place since."""
        return frozenset(
            watched.name
            for watched in self._watched
            if watched.ours is ours and watched.tensor._version != watched.version
        )
