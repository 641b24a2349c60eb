"""What the noise of a PyTorch program follows from: operations, their dtypes and errors, and arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import torch

from samestep.agreement.arithmetic.torch.path import Step
from samestep.agreement.arithmetic.torch.roundings import Rounding


def signature(
    steps: Sequence[Step], notes: Sequence[Rounding], held: Iterable[torch.Tensor], others: Sequence[str]
) -> str:
    """Return 32 hexadecimal digits for the path of an exact run, its notes, and what the code is given.

    ``others`` are the contract, the seed, and the digests of captured constants.
    """
    made = hashlib.sha256(repr(others).encode())
    for step in steps:
        forms = [form and (form.shape, form.stride, form.dtype, form.device) for form in step.forms]
        made.update(f"{step.name}{forms}{step.integer}{step.alias}".encode())
        if isinstance(step.decided, bool | int | float):
            made.update(repr(step.decided).encode())
    for note in notes:
        made.update(f"{note.operation}{note.shape}{note.exact}{note.repeated}".encode())
        for part in (note.share, note.width, note.bias, note.integers):
            if part is not None:
                made.update(_bytes(part))
    for tensor in held:
        made.update(f"{tensor.dtype}{tensor.shape}".encode() + _bytes(tensor))
    return made.hexdigest()[:32]


def _bytes(tensor: torch.Tensor) -> bytes:
    raw: bytes = tensor.detach().contiguous().reshape(-1).view(torch.uint8).cpu().numpy().tobytes()
    return raw
