"""What goes into some layers, as they are called for the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from samestep.models.torch.outputs import tensors_in
from samestep.models.torch.values import is_dense


class LayerInputs:
    """Records the arrays that go into ``modules``, by the names ``"layer.0"``, ``"layer.1"``."""

    def __init__(self, modules: Mapping[str, torch.nn.Module]) -> None:
        self._modules = modules
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

    def _recorder(self, name: str) -> Callable[..., None]:
        def record(_: torch.nn.Module, args: Any, keywords: Any) -> None:
            if name in self._met:
                return
            self._met.add(name)
            given = [*tensors_in(args).values(), *tensors_in(keywords).values()]
            for index, tensor in enumerate(given):
                if is_dense(tensor) and not torch._C._functorch.is_functorch_wrapped_tensor(tensor):
                    self.found[f"{name}.{index}"] = tensor.detach().clone()

        return record
