"""A torch.nn.Module: copied for every run, and lent out itself only where it is compiled."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch._dynamo.eval_frame import OptimizedModule

from samestep.models.subject import ModelError
from samestep.models.torch.instance import Instance, Values
from samestep.models.torch.user_code import model_errors
from samestep.models.torch.values import to_tensor

#: The attributes that every module has.
OF_EVERY_MODULE = frozenset(vars(torch.nn.Module()))

#: What torch.compile puts before the names of what it wraps.
WRAPPER = "_orig_mod."


class ModuleNetwork:
    """A module in the mode that it is in.

    A compiled module is run itself, its values and buffers put back: a copy would be compiled anew for
    every run, and only a few times before PyTorch quietly gives up.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        self.compiled = any(
            isinstance(part, OptimizedModule) or part._compiled_call_impl is not None
            for part in module.modules()
        )

    def describe(self) -> str:
        """Return its class and its mode, with the modules in another mode counted."""
        name = type(unwrapped(self.module)).__name__
        modes = [part.training for part in self.module.modules()]
        others = sum(mode != self.module.training for mode in modes)
        mode = ("eval", "train")[self.module.training] + " mode"
        mixed = (
            f", {others} of its modules in {('train', 'eval')[self.module.training]} mode" if others else ""
        )
        return f"{'compiled ' if self.compiled else ''}torch.nn.Module {name}, {mode}{mixed}"

    def parameters(self) -> Mapping[str, torch.Tensor]:
        """Return the module's own parameters, frozen ones included."""
        return _named(self.module.named_parameters())

    def frozen(self) -> frozenset[str]:
        """Return the parameters that do not require a gradient."""
        return frozenset(name for name, x in self.parameters().items() if not x.requires_grad)

    def state(self) -> Mapping[str, torch.Tensor]:
        """Return the module's own buffers."""
        return _named(self.module.named_buffers())

    def tied(self) -> Mapping[str, str]:
        """Return the further names of shared parameters and buffers, with the first name of each."""
        first = {id(tensor): name for name, tensor in {**self.parameters(), **self.state()}.items()}
        every = {
            **_named(self.module.named_parameters(remove_duplicate=False)),
            **_named(self.module.named_buffers(remove_duplicate=False)),
        }
        return {name: first[id(tensor)] for name, tensor in every.items() if first[id(tensor)] != name}

    def modules(self) -> Mapping[str, torch.nn.Module]:
        """Return the submodules by name, without the module itself and without what torch.compile adds."""
        return _submodules(self.module)

    def copy(self, values: Values) -> Instance:
        """Return a deep copy, not compiled, without gradients."""
        module = eager_copy(self.module)
        parameters, buffers = _named(module.named_parameters()), _named(module.named_buffers())
        own = self.parameters()
        with torch.no_grad():
            for name, tensor in {**parameters, **buffers}.items():
                tensor.grad = None
                if name in own and tensor.requires_grad != own[name].requires_grad:  # scripted ones lose it
                    tensor.requires_grad_(own[name].requires_grad)
                if name in values:
                    tensor.copy_(to_tensor(values[name], name))
        return Instance(
            parameters, module, lambda: _named(module.named_buffers()), _submodules(module),
            attributes=lambda: _attributes(module),
            remember=lambda other, names: _remember(module, other.call, names),
        )  # fmt: skip

    def cast(self, dtype: torch.dtype) -> ModuleNetwork:
        """Return a deep copy in ``dtype``. Raises `ModelError` for a compiled module."""
        if self.compiled:
            raise ModelError("a compiled model is asked in its own dtype: give it before torch.compile")
        copied = eager_copy(self.module)
        with model_errors(f"casting the model to {dtype}"):
            return ModuleNetwork(copied.to(dtype))

    @contextmanager
    def native(self, values: Values) -> Iterator[Instance]:
        """Lend a copy, or the compiled module itself, without submodules: hooks would compile it anew."""
        if not self.compiled:
            yield self.copy(values)
            return
        with kept(self.module):
            parameters = self.parameters()
            with torch.no_grad():
                for name, tensor in {**parameters, **self.state()}.items():
                    if name in values:
                        tensor.copy_(to_tensor(values[name], name))
            yield Instance(parameters, self.module, self.state, compiled=True)


def unwrapped(module: torch.nn.Module) -> torch.nn.Module:
    """Return the module that torch.compile wraps, or the module itself."""
    inner: torch.nn.Module = module._orig_mod if isinstance(module, OptimizedModule) else module
    return inner


def eager_copy(module: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy in which no part is compiled; what is shared stays shared."""
    memo: dict[int, Any] = {}
    for part in module.modules():
        for value in vars(part).values():
            # Derived from other tensors, such as the weight under torch.nn.utils.weight_norm: it is made
            # anew before it is used, and PyTorch refuses to copy it.
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    for part in module.modules():
        if isinstance(part, OptimizedModule):
            with model_errors("copying the model"):
                memo[id(part)] = copy.deepcopy(part._orig_mod, memo)
    with model_errors("copying the model"), torch.no_grad():
        return copy.deepcopy(module, memo)  # nn.Module leaves out what module.compile() has made


@contextmanager
def kept(module: torch.nn.Module) -> Iterator[None]:
    """Put a module's parameters, gradients, buffers and plain attributes back afterwards."""
    tensors = [*module.parameters(), *module.buffers()]
    before = [(tensor, tensor.detach().clone(), tensor.grad) for tensor in tensors]
    parts = [part for part in module.modules() if not isinstance(part, OptimizedModule)]
    attributes = [(held, dict(held)) for part in parts for held in (vars(part), part._buffers)]
    for tensor in tensors:
        tensor.grad = None
    try:
        yield
    finally:
        for held, values in attributes:
            for added in held.keys() - values.keys():
                del held[added]
            held.update(values)
        with torch.no_grad():
            for tensor, value, gradient in before:
                tensor.copy_(value)
                tensor.grad = gradient


def _attributes(module: torch.nn.Module) -> Iterator[tuple[str, object]]:
    """Every module's attributes of its own: no parameters, buffers, modules or hooks."""
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            if key not in OF_EVERY_MODULE:
                yield f"{name}.{key}".lstrip("."), value


def _remember(module: torch.nn.Module, other: torch.nn.Module, names: Collection[str]) -> None:
    """Take some attributes of the same module elsewhere over, as far as both have the same parts."""
    theirs = dict(other.named_modules())
    for name, part in module.named_modules():
        for key, value in [*vars(theirs[name]).items()] if name in theirs else ():
            if f"{name}.{key}".lstrip(".") in names:
                object.__setattr__(part, key, value)


def _named(named: Iterator[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return {name.replace(WRAPPER, ""): tensor for name, tensor in named}


def _submodules(module: torch.nn.Module) -> dict[str, torch.nn.Module]:
    named = ((f"{name}.".replace(WRAPPER, "")[:-1], unwrapped(part)) for name, part in module.named_modules())
    return {name: part for name, part in named if name}
