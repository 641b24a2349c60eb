"""PyTorch: torch.onnx, and onnxruntime."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import torch
from torch import nn


class Call(nn.Module):  # type: ignore[misc]  # without its types
    """A function as a module, which is what is exported."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def exported(module: nn.Module, x: torch.Tensor, **settings: object) -> torch.Tensor:
    """Return what onnxruntime gives for an exported module."""
    import onnxruntime
    import onnxscript  # noqa: F401  # the exporter needs it, and says less clearly that it is missing

    file = io.BytesIO()
    with warnings.catch_warnings():  # that the older exporter is the older one
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), file, verbose=False, **settings)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return torch.tensor(got)


def batch_norm_in_training(x: torch.Tensor) -> torch.Tensor:
    return exported(nn.BatchNorm2d(3), x)


def batch_norm_in_training_matched(x: torch.Tensor) -> torch.Tensor:
    keep = torch.onnx.TrainingMode.PRESERVE
    return exported(nn.BatchNorm2d(3), x, dynamo=False, training=keep)


def floor_division(n: torch.Tensor) -> torch.Tensor:
    return exported(Call(lambda n: n // 3), n, dynamo=False)


def floor_division_matched(n: torch.Tensor) -> torch.Tensor:
    return exported(Call(lambda n: n // 3), n)
