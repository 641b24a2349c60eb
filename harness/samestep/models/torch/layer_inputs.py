"""What goes into some layers, as they are called for the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

import torch

from samestep.models.torch.outputs import exchanged, tensors_in
from samestep.models.torch.values import is_dense


class LayerInputs:
    """Records the arrays that go into ``modules``, by the names ``"layer.0"``, ``"layer.1"``.

    Those that are ``forced``, by these names, go in in their place.
    """

    def __init__(self, modules: Mapping[str, torch.nn.Module], forced: Mapping[str, torch.Tensor]) -> None:
        self._modules, self.forced = modules, forced
        self._met: set[str] = set()
        self.found: dict[str, torch.Tensor] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Observe the calls; before each, since a layer may change its input in place."""
        with ExitStack() as hooks:
            for name, module in self._modules.items():
                handle = module.register_forward_pre_hook(self._recorder(name), with_kwargs=True)
                hooks.callback(handle.remove)
            yield

    def _recorder(self, name: str) -> Callable[..., Any]:
        def record(_: torch.nn.Module, args: Any, keywords: Any) -> Any:
            if name in self._met:
                return None
            self._met.add(name)
            given = [*tensors_in(args).values(), *tensors_in(keywords).values()]
            for index, tensor in enumerate(given):
                if is_dense(tensor) and not torch._C._functorch.is_functorch_wrapped_tensor(tensor):
                    self.found[f"{name}.{index}"] = tensor.detach().clone()
            number = count()
            return exchanged((args, keywords), lambda _, own: self._forced(f"{name}.{next(number)}", own))

        return record

    def _forced(self, name: str, own: torch.Tensor) -> torch.Tensor:
        value = self.forced.get(name)
        return own if value is None else torch.empty_like(own).copy_(value)
