"""What the exact run writes down about each rounding, for the replicas: in order, one note for each."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.path import OtherPath

#: Widths of more elements than LARGE are kept in float32, for their memory, and of HUGE ones in bfloat16:
#: replicas tell less of a standard deviation than three digits. Products of two dtypes are slow.
LARGE, HUGE = 1 << 16, 1 << 20


def width_dtype(out: Tensor) -> torch.dtype:
    """Return the dtype in which the widths of a result are kept."""
    if out.numel() > HUGE:
        return torch.bfloat16
    return torch.float32 if out.numel() > LARGE else torch.float64


def kept_width(width: Tensor, out: Tensor) -> Tensor:
    """Return a width as it is kept: in its dtype, and in the result's order of memory where it is large."""
    width = width.to(width_dtype(width))
    if width.numel() <= LARGE or width.shape != out.shape or width.stride() == out.stride():
        return width
    return torch.empty_like(out, dtype=width.dtype).copy_(width)


@dataclass(frozen=True, slots=True)
class Rounding:
    """One rounding of the exact run: of the result of ``operation``, of ``shape``.

    ``exact``: the dtype holds every element, nothing is rounded. ``repeated``: many elements are equal, and
    round alike. ``share``: what the smaller addend leaves of an error: min(|a| / |a + b| / u, 1). ``width``:
    the standard deviation in units of s, where it is no multiple of the result; ``bias``: what a long sum
    loses one way, in its own units. ``integers``: what a conversion gave.
    """

    operation: str
    shape: torch.Size
    exact: bool = False
    repeated: bool = False
    share: Tensor | None = None
    width: Tensor | None = None
    bias: Tensor | None = None
    integers: Tensor | None = None


@dataclass
class Roundings:
    """The notes of the exact run, and where a replica stands in them."""

    notes: list[Rounding] = field(default_factory=list)
    at: int = 0

    def write(self, note: Rounding) -> None:
        """Add a note of the exact run."""
        self.notes.append(note)

    def follow(self, operation: str, shape: torch.Size) -> Rounding:
        """Return the next note. Raises `OtherPath` where it is of another operation or shape."""
        note = self.notes[self.at] if self.at < len(self.notes) else None
        if note is None or note.operation != operation or note.shape != shape:
            here = f"{note.operation} {tuple(note.shape)}" if note else "the end"
            raise OtherPath(f"{operation} {tuple(shape)} where the exact run has {here}")
        self.at += 1
        return note

    def finish(self) -> None:
        """Raise `OtherPath` if the replica stopped before the exact run did."""
        if self.at != len(self.notes):
            raise OtherPath(f"the end where the exact run has {self.notes[self.at].operation}")
