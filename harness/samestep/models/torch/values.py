"""Values between NumPy and PyTorch: exactly, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from samestep.models.subject import ModelError

#: Floats that NumPy lacks; float32 holds every value of theirs.
NARROW = (torch.bfloat16, *(kind for name in dir(torch) if name.startswith("float8_")
                            and isinstance(kind := getattr(torch, name), torch.dtype)))  # fmt: skip


def to_tensor(array: object, what: str, device: torch.device | None = None) -> torch.Tensor:
    """Return a copy of an array as a tensor of the same dtype and shape, on ``device``.

    It is no operation of the model, so no engine sees it. Raises `ModelError`, which names ``what``, for
    anything but numbers and booleans.
    """
    values = np.asarray(array)
    if values.dtype.name == "bfloat16":  # ml_dtypes, as JAX has it
        return to_tensor(values.astype(np.float32), what, device).to(torch.bfloat16)
    if values.dtype.kind not in "biufc":
        raise ModelError(f"{what} is a {type(array).__name__} of {values.dtype}: give an array of numbers")
    with _disable_current_modes():
        return torch.tensor(values.copy(), device=device)


def to_array(tensor: torch.Tensor, what: str) -> np.ndarray:
    """Return a copy of a tensor's values, of its shape; bfloat16 and float8 as float32.

    Raises `ModelError` for a tensor without plain values: on the meta device, quantized, uninitialised.
    """
    return np.array(as_array(tensor, what), order="C")


def as_array(tensor: torch.Tensor, what: str) -> np.ndarray:
    """Return a tensor's values as `to_array` does, but only to be read: a view of its memory if it can be.

    Raises `ModelError` for a tensor without plain values.
    """
    check_plain(tensor, what)
    plain = tensor.detach().to_dense() if tensor.layout != torch.strided else tensor.detach()
    plain = plain.float() if plain.dtype in NARROW else plain
    array = np.asarray(plain.numpy(force=True), order="C")
    array.flags.writeable = False
    return array


def check_plain(tensor: torch.Tensor, what: str) -> None:
    """Raise `ModelError` for a tensor that holds no values which can be compared."""
    if torch.nn.parameter.is_lazy(tensor):
        raise ModelError(f"{what} is not initialised: call the model once before it is compared")
    if tensor.is_meta:
        raise ModelError(
            f"{what} is on the meta device, without values: load the model before it is compared"
        )
    if tensor.is_quantized:
        raise ModelError(f"{what} is quantized: compare the model before quantization")


def check_dense(tensors: Mapping[str, torch.Tensor], kind: str) -> None:
    """Raise `ModelError` for the first tensor that is sparse or holds no values; ``kind`` says what it is."""
    for name, tensor in tensors.items():
        check_plain(tensor, f"{kind} {name}".strip())
        if not is_dense(tensor):
            layout = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
            raise ModelError(f"{kind} {name}".strip() + f" is {layout}: compare a dense tensor")


def is_dense(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is an array: not sparse, not of rows of several lengths."""
    return tensor.layout == torch.strided and not tensor.is_nested


def held_exactly(tensor: torch.Tensor, dtype: torch.dtype) -> bool:
    """Return whether ``dtype`` holds every value of a floating tensor."""
    return bool(torch.equal(tensor.to(dtype).to(tensor.dtype).nan_to_num(), tensor.nan_to_num()))
