"""The layers of one run: their outputs and the gradients there, and values forced on them.

The hooks are global, so that no module has one of its own: PyTorch's fast paths look for those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch
from torch.nn.modules import module
from torch.utils._pytree import tree_leaves

from samestep.models.question import Question
from samestep.models.subject import ModelError
from samestep.models.tensors import Role
from samestep.models.torch.forced import Forced
from samestep.models.torch.outputs import exchanged, tensors_in
from samestep.models.torch.own_gradients import OwnGradients
from samestep.models.torch.values import is_dense, to_tensor


class Phase(Enum):
    """What the run is doing; in the backward pass, checkpointed layers are called again."""

    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass
class _Gradients:
    """The gradients that hooks see. Hooks hold this alone: a graph that they held would hold itself."""

    found: dict[str, torch.Tensor] = field(default_factory=dict)
    phase: Phase = Phase.FORWARD

    def recorder(self, name: str) -> Callable[[torch.Tensor], None]:
        """Return the hook for the gradient at the output ``name``."""

        def record(gradient: torch.Tensor) -> None:
            if self.phase is Phase.BACKWARD:  # not in a derivative that the model itself takes
                self.found.setdefault(name, gradient.detach().clone())

        return record


class Observer:
    """Records the layers of one run by the names of ``modules``, and forces what the question gives."""

    def __init__(
        self,
        modules: Mapping[str, torch.nn.Module],
        question: Question,
        device: torch.device,
        shared: frozenset[str] = frozenset(),
    ) -> None:
        self._modules = modules.keys()
        self._names = {id(layer): name for name, layer in modules.items()}
        self._calls: Counter[str] = Counter()
        self._forced: dict[Role, dict[str, torch.Tensor]] = {Role.LAYER: {}, Role.LAYER_GRADIENT: {}}
        for key, value in question.forced.items():
            if key.role in self._forced:
                self._forced[key.role][key.name] = to_tensor(value, f"the forced {key}", device)
        self.outputs: dict[str, torch.Tensor] = {}
        self._gradients = _Gradients()
        self.called: list[str] = []
        self._own = OwnGradients(shared)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Observe all calls of the modules."""
        if not self._modules:
            yield
            return
        handle = module.register_module_forward_hook(self._after, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()
            module._global_forward_hooks_with_kwargs.pop(handle.id, None)  # PyTorch 2.13 forgets this one

    def show(self, name: str, value: torch.Tensor) -> torch.Tensor:
        """Record a value on the way as a layer's output, and return what goes on in its place."""
        call = self._call(name)
        return value if call is None else self._visit(call, None, value, False)

    def begin_backward(self) -> None:
        """Say that the forward pass is done. Raises `ModelError` where a forced layer was not met."""
        self._gradients.phase = Phase.BACKWARD
        met = self.outputs.keys()
        for name in (name for names in self._forced.values() for name in names if name not in met):
            raise ModelError(f"there is no layer {name} to force; there are {', '.join(met) or 'none'}")

    @property
    def given(self) -> list[torch.Tensor]:
        """The forced values and gradients."""
        return [value for values in self._forced.values() for value in values.values()]

    @property
    def gradients(self) -> dict[str, torch.Tensor]:
        """The gradients at the layers' outputs, last layer first."""
        lost, found = self._own.changed(ours=False), self._gradients.found
        return {name: found[name] for name in reversed(self.outputs) if name in found and name not in lost}

    @property
    def shared(self) -> frozenset[str]:
        """The layers whose output is changed in place later, so that no view of it may be made."""
        return self._own.changed(ours=True)

    def _after(self, layer: torch.nn.Module, args: Any, keywords: Any, output: Any) -> Any:
        """The hook: record each tensor that a layer returns, and exchange it where it is forced."""
        if torch.compiler.is_compiling() or id(layer) not in self._names:
            return None
        call = self._call(self._names[id(layer)])
        if call is None:
            return None
        several = len(tensors_in(output)) > 1
        given = {id(leaf) for leaf in tree_leaves((args, keywords)) if isinstance(leaf, torch.Tensor)}

        def visit(path: str, tensor: torch.Tensor) -> torch.Tensor:
            if torch._C._functorch.is_functorch_wrapped_tensor(tensor) or not is_dense(tensor):
                return tensor  # one lives inside a transformation only, the other has no array
            if tensor.is_complex():
                return tensor  # no limit is for two numbers in one; what follows from it is compared
            name = f"{call}.{path}" if several else call
            if name != call and name in self._modules:  # a container's first output is not its first part
                name = f"{call}.output.{path}"
            return self._visit(name, layer, tensor, id(tensor) in given)

        exchange = exchanged(output, visit)
        return None if exchange is output else exchange

    def _call(self, name: str) -> str | None:
        """The name of this call; None for what cannot be told: which call is made again in backward."""
        if self._gradients.phase is Phase.FORWARD:
            self._calls[name] += 1
            if self._calls[name] == 1:
                self.called.append(name)
            return name if self._calls[name] == 1 else f"{name}#{self._calls[name]}"
        if self._calls[name] == 1:
            return name
        again = [key for names in self._forced.values() for key in names if key.split("#")[0] == name]
        if again:
            raise ModelError(f"{again[0]} is checkpointed and called several times, so it cannot be forced")
        return None

    def _visit(
        self, name: str, layer: torch.nn.Module | None, tensor: torch.Tensor, is_input: bool
    ) -> torch.Tensor:
        if self._gradients.phase is Phase.FORWARD:
            self.outputs[name] = tensor.detach().clone()  # what follows may change it in place
        value, gradient = (self._forced[role].get(name) for role in (Role.LAYER, Role.LAYER_GRADIENT))
        if value is not None or gradient is not None:
            for given in (value, gradient):
                if given is not None and given.shape != tensor.shape:
                    raise ModelError(
                        f"layer {name} has the shape {tuple(tensor.shape)}; "
                        f"{tuple(given.shape)} cannot be forced on it"
                    )
            return Forced.apply(tensor, value, gradient, self._gradients.recorder(name))
        if not tensor.requires_grad:
            return tensor
        own = self._own.of(name, layer, tensor, is_input)
        own.register_hook(self._gradients.recorder(name))
        return own
