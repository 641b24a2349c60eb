"""What never reaches the dispatcher: bytes that are read, copied or shared past it.

It stands off inside a backward pass, where PyTorch does not ask it; what it misses there the poison finds.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from samestep.agreement.arithmetic.torch.dtypes import unseen
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.shadows import has_values

_READERS = {
    Tensor.numpy, Tensor.__array__, Tensor.__dlpack__, Tensor.data_ptr, Tensor.__reduce_ex__, Tensor.tolist,
}  # fmt: skip
_SHARING = {torch.from_numpy, torch.frombuffer}
_OF_DATA = {torch.tensor, torch.as_tensor}


class Guard(TorchFunctionMode):  # type: ignore[misc]
    """Stands beside an interpreter, whose handles' bytes nobody may read."""

    def __init__(self, interpreter: Any) -> None:
        super().__init__()
        self.interpreter = interpreter

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _READERS and self.computed(args[0]):
            return self.read(func, args[0])
        if func is Tensor.__deepcopy__ and has_values(args[0]):
            return self.copied(func, args, kwargs)
        if func is torch.nn.functional.scaled_dot_product_attention:
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                return func(*args, **kwargs)
        if func in _SHARING:
            result = func(*args, **kwargs)
            self.interpreter.shadows.shared.add(result.untyped_storage())
            return result
        if func in _OF_DATA and args:
            return self.made(func, args, kwargs)
        return func(*args, **kwargs)

    def made(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A tensor is made of data: of numbers, which a float32 tensor rounds, or of tensors' numbers."""
        data = _numbers(args[0])
        self.interpreter.numbers = data
        try:
            return func(data, *args[1:], **kwargs)
        finally:
            self.interpreter.numbers = None

    def computed(self, tensor: Any) -> bool:
        """Return whether a tensor's values may differ from its bytes."""
        if not has_values(tensor):
            return False
        shadow = self.interpreter.shadows.find(tensor)
        if shadow is None:
            return False
        with unseen():
            values = shadow.view(tensor)
            return bool(self.interpreter.poison) or not torch.equal(values, tensor.detach().to(values.dtype))

    def read(self, func: Any, tensor: Tensor) -> Any:
        """Numbers in a list are values like those of item(); bytes are refused."""
        if func is Tensor.tolist and not tensor.is_complex():
            self.interpreter.lossy("computed numbers are read out")
            self.interpreter.has_read = True
            with unseen():
                return self.interpreter.shadows.wide(tensor.detach()).tolist()
        return refuse(f"Tensor.{func.__name__}", "computed values leave PyTorch; give it a stand-in")

    def copied(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A deep copy copies bytes; the values go along."""
        result = func(*args, **kwargs)
        if isinstance(result, Tensor):
            self.interpreter.copy_shadow(args[0], result)
        return result


def _numbers(data: Any) -> Any:
    """Lists of 0-d tensors as numbers: `torch.tensor` would read their bytes."""
    if isinstance(data, (list, tuple)):
        return type(data)([one.item() if _is_single(one) else _numbers(one) for one in data])
    return data


def _is_single(data: Any) -> bool:
    return isinstance(data, Tensor) and not data.dim()
