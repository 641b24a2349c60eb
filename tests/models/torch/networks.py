"""Small PyTorch networks, and what is asked of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from samestep.models.question import Question
from samestep.models.tensors import Role, TensorKey, Tensors

torch.set_num_threads(1)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal numbers in float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def mlp() -> nn.Module:
    """Two linear layers and a tanh."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def conv_net() -> nn.Module:
    """A convolution, a batch norm and what changes its input in place."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 9, 5),
    )  # fmt: skip


class Block(nn.Module):
    """A residual block, its additions and activations in place or not."""

    def __init__(self, inputs: int, outputs: int, inplace: bool) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)
        self.act, self.inplace = nn.ReLU(inplace), inplace
        self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(self.act(self.norm1(self.conv1(x)))))
        return self.act(y.add_(self.down(x)) if self.inplace else y + self.down(x))


def residual(inplace: bool) -> nn.Module:
    """A stem, which ends in what returns its input, an activation and two blocks."""
    torch.manual_seed(0)
    stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Identity())
    return nn.Sequential(stem, nn.LeakyReLU(0.1, inplace), Block(4, 4, inplace), Block(4, 6, inplace))


class Tied(nn.Module):
    """A language model whose head is its embedding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(11, 6)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.embed(tokens)))


class Checkpointed(nn.Module):
    """Two layers that are computed again in the backward pass, in one of PyTorch's two ways or not at all."""

    def __init__(self, reentrant: bool | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.reentrant = reentrant
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.reentrant is None:
            return self.inner(x)
        return checkpoint(self.inner, x, use_reentrant=self.reentrant)

    def inner(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.a(x).tanh())


def asked(*inputs: np.ndarray, **options: object) -> Question:
    """A question with inputs by position."""
    return Question(inputs, **options)  # type: ignore[arg-type]


def names(tensors: Tensors, role: Role) -> list[str]:
    """The names of the tensors of one role, in their order."""
    return [key.name for key in tensors if key.role is role]


def same(one: Tensors, other: Tensors) -> bool:
    """Whether two runs have the same tensors in the same order, bit for bit."""
    return list(one) == list(other) and all(one[k].tobytes() == other[k].tobytes() for k in one)


def by_hand(model: nn.Module, question: Question) -> Tensors:
    """Outputs and gradients of a module with one floating input and one output, without samestep's hooks."""
    torch.manual_seed(question.seed)
    (x,) = (torch.tensor(array).requires_grad_() for array in question.inputs)
    output = model(x)
    output.backward(torch.tensor(question.cotangent(0, tuple(output.shape))))
    tensors = {TensorKey(Role.OUTPUT, ""): output.detach(), TensorKey(Role.INPUT_GRADIENT, "0"): x.grad}
    tensors |= {TensorKey(Role.STATE, name): b.detach().clone() for name, b in model.named_buffers()}
    tensors |= {TensorKey(Role.GRADIENT, name): p.grad for name, p in model.named_parameters()}
    return {key: tensor.numpy() for key, tensor in tensors.items()}
