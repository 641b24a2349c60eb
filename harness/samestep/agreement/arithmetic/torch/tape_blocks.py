"""Errors of large tensors, added block by block: the same numbers, without large temporaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.instructions import Call, DrawNumbers, Error, Instruction, Slot
from samestep.agreement.arithmetic.torch.noise_pool import Draw, NoisePool

#: Elements of a block, of float64: three blocks fit into the caches next to a core.
BLOCK = 1 << 15
#: Draws of fewer elements than this are not worth a loop.
LARGE = 1 << 17

_MUL, _MUL_, _ADD_ = torch.ops.aten.mul.Tensor, torch.ops.aten.mul_.Tensor, torch.ops.aten.add_.Tensor


def with_errors(calls: Sequence[Instruction], results: set[Slot]) -> list[Instruction]:
    """Return the calls with each draw of a large error, and what adds it, as one `Error`."""
    uses: dict[Slot, int] = {}
    for call in calls:
        for slot in call.slots():
            uses[slot] = uses.get(slot, 0) + 1
    found: list[Instruction] = []
    at = 0
    while at < len(calls):
        error, taken = _error(calls[at : at + 3], uses, results)
        found.append(error or calls[at])
        at += taken
    return found


def _error(
    calls: Sequence[Instruction], uses: dict[Slot, int], results: set[Slot]
) -> tuple[Error | None, int]:
    draw = calls[0]
    if not isinstance(draw, DrawNumbers) or draw.draw.size < LARGE or draw.slot in results:
        return None, 1
    if uses[draw.slot] != 2 or len(calls) < 2 or not isinstance(calls[1], Call):
        return None, 1
    first, second = calls[1], calls[2] if len(calls) > 2 else None
    if first.func is _MUL_ and first.args[1] == draw.slot and type(first.args[1]) is Slot:
        return Error(draw.draw, first.args[0], None, 1.0), 2
    product = first.results[0] if first.func is _MUL and first.args[0] == draw.slot else None
    if product is None or type(first.args[1]) is not Slot or uses[product] != 2 or product in results:
        return None, 1
    if not isinstance(second, Call) or second.func is not _ADD_ or second.args[1] != product:
        return None, 1
    return Error(draw.draw, second.args[0], first.args[1], second.kwargs.get("alpha", 1)), 3


def add_error(
    pool: NoisePool, draw: Draw, offset: int, out: Tensor, width: Tensor | None, alpha: Any
) -> None:
    """Add alpha x (numbers x width) to ``out`` in place, or multiply it by the numbers without a width."""
    alike = out.stride() == draw.stride and (width is None or width.stride() == draw.stride)
    if not alike or (width is not None and width.shape != out.shape):
        numbers = pool.block(draw, offset)
        out.mul_(numbers) if width is None else out.add_(numbers * width, alpha=alpha)
        return
    row, widths = _row(out), None if width is None else _row(width)
    start = 0
    for numbers in _blocks(pool, draw, offset):
        part = row.narrow(0, start, numbers.numel())
        if widths is None:
            part.mul_(numbers)
        else:
            part.add_(numbers * widths.narrow(0, start, numbers.numel()), alpha=alpha)
        start += numbers.numel()


def _blocks(pool: NoisePool, draw: Draw, offset: int) -> Iterator[Tensor]:
    for row in pool.rows(draw, offset):
        yield from row.split(BLOCK)


def _row(tensor: Tensor) -> Tensor:
    return tensor.as_strided((tensor.numel(),), (1,), tensor.storage_offset())
