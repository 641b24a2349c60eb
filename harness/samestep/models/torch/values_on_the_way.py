"""What a PyTorch model computes on the way: every floating result of the functions that its code calls.

The mode stands above autograd. It sees ``x @ w``, ``x.view(...)`` and ``F.gelu(x)`` as the user's code calls
them, and nothing of what these call themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from samestep.models.torch.values import is_dense

#: From the number of a value in the order of the calls, and the value, to what goes on in its place.
Visit = Callable[[int, torch.Tensor], torch.Tensor]


class OnTheWay(TorchFunctionMode):  # type: ignore[misc]
    """Calls ``visit`` for each new floating value; where a tensor is changed in place, for a copy of it."""

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self._visit, self._numbers = visit, count()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        versions = {id(leaf): leaf._version for leaf in leaves}
        out = func(*args, **(kwargs or {}))

        def seen(one: Any) -> Any:
            if not isinstance(one, torch.Tensor) or not _is_value(one):
                return one
            before = versions.get(id(one))
            return one if before == one._version else self._seen(one, before is not None)

        return type(out)(map(seen, out)) if type(out) in (list, tuple) else seen(out)

    def _seen(self, value: torch.Tensor, in_place: bool) -> torch.Tensor:
        if not in_place:
            return self._visit(next(self._numbers), value)
        copied = value.clone()  # other names of the same tensor have to go on from what takes its place, too
        visited = self._visit(next(self._numbers), copied)
        return value if visited is copied else value.copy_(visited)


def _is_value(tensor: torch.Tensor) -> bool:
    """Whether a tensor is an array of floating numbers that lives outside of transformations."""
    return (
        tensor.is_floating_point()
        and is_dense(tensor)
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    )
