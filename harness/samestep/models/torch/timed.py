"""A PyTorch model as something to be timed: eager or compiled, as it is, with backward() and an optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from samestep.models.nested import Nested
from samestep.models.timed_model import RATE, Recipe
from samestep.models.torch.instance import Instance, device_of
from samestep.models.torch.losses import loss_of
from samestep.models.torch.optimizer_steps import made_of
from samestep.models.torch.outputs import tensors_in
from samestep.models.torch.subject import TorchSubject
from samestep.models.torch.values import to_tensor


class TimedTorch:
    """Two copies of a model: one that only computes, and one that is trained, put back at each `adopt`. Of a
    compiled model both are the model itself: each copy would be compiled anew."""

    def __init__(self, subject: TorchSubject, recipe: Recipe) -> None:
        self.network, self.recipe = subject.network, recipe
        self.device = device_of(self.network)
        self.lent = [self.network.native({}) for _ in range(2)]  # lent for good
        self.still, self.moving = (lent.__enter__() for lent in self.lent)
        self.start = {name: x.detach().clone() for name, x in _tensors(self.moving).items()}
        self.trained = [p for p in self.moving.parameters.values() if p.requires_grad]
        dtypes = {p.dtype for p in self.moving.parameters.values() if p.is_floating_point()}
        self.dtype = dtypes.pop() if len(dtypes) == 1 else None
        self.cotangents: list[torch.Tensor] = []
        self.optimizer = self._made()

    def asarray(self, array: np.ndarray) -> torch.Tensor:
        tensor = to_tensor(array, "an input", self.device)
        return tensor.to(self.dtype) if self.dtype and tensor.is_floating_point() else tensor

    def adopt(self, params: Mapping[str, Any]) -> TimedTorch:
        with torch.no_grad():
            for name, tensor in _tensors(self.moving).items():
                tensor.copy_(self.start[name])
        self.optimizer = self._made()
        return self

    def export(self, state: TimedTorch) -> Mapping[str, torch.Tensor]:
        return {name: tensor.detach() for name, tensor in _tensors(self.moving).items()}

    def forward(self, state: TimedTorch, *inputs: torch.Tensor) -> Nested:
        with torch.no_grad():
            found = tensors_in(self._called(self.still, inputs))
        return next(iter(found.values())) if len(found) == 1 else found

    def train_step(self, state: TimedTorch, *inputs: torch.Tensor) -> tuple[TimedTorch, torch.Tensor]:
        targets = inputs[-1] if self.recipe.question.targets is not None else None
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self._called(self.moving, inputs if targets is None else inputs[:-1])
        loss = self._loss(outputs, targets)
        loss.backward()
        self.optimizer.step()
        return self, loss.detach()

    def _called(self, instance: Instance, inputs: tuple[torch.Tensor, ...]) -> Nested:
        question = self.recipe.question
        given = [
            bool(array) if np.ndim(array) == 0 and np.asarray(array).dtype == bool else tensor
            for array, tensor in zip(question.inputs, inputs, strict=True)
        ]
        positions = len(given) - len(question.keywords)
        return instance.call(
            *given[:positions], **dict(zip(question.keywords, given[positions:], strict=True))
        )

    def _loss(self, outputs: Nested, targets: torch.Tensor | None) -> torch.Tensor:
        question = self.recipe.question
        floating = [x for x in tensors_in(outputs).values() if x.is_floating_point()]
        if question.loss is not None:
            return loss_of(question.loss, outputs, floating, targets)
        if not self.cotangents:
            self.cotangents = [
                to_tensor(question.cotangent(i, tuple(x.shape)), "cotangent", x.device).to(x.dtype)
                for i, x in enumerate(floating)
            ]
        return torch.stack([(x * c).sum() for x, c in zip(floating, self.cotangents, strict=True)]).sum()

    def _made(self) -> Any:
        if self.recipe.optimizer is None:
            return torch.optim.SGD(self.trained, lr=RATE) if self.trained else _NoOptimizer()
        return made_of(self.recipe.optimizer, self.trained)


class _NoOptimizer:
    """The optimiser of a model that has nothing to train."""

    def zero_grad(self, set_to_none: bool) -> None:
        """There is no gradient."""

    def step(self) -> None:
        """There is no step."""


def _tensors(instance: Instance) -> dict[str, torch.Tensor]:
    return {**instance.parameters, **instance.state()}


def timed(subject: TorchSubject, recipe: Recipe) -> TimedTorch:
    """Return a PyTorch model as something to be timed."""
    return TimedTorch(subject, recipe)
