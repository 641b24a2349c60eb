"""Large arrays are gone through block by block: temporaries of their size would cost memory, and time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import EllipsisType

#: Elements of a block: in float64, some of them fit into the caches next to a core.
BLOCK = 1 << 15

#: The index of a block, which gives a view of any array of the shape.
Block = slice | EllipsisType


def blocks(shape: Sequence[int]) -> Iterator[Block]:
    """Yield the blocks of an array of this shape in the order of its elements; none if it has no elements.

    They are slices of the first axis, of at least one index, and of about `BLOCK` elements.
    """
    if not shape:
        yield ...
        return
    row = 1
    for length in shape[1:]:
        row *= length
    step = max(BLOCK // max(row, 1), 1)
    yield from (slice(start, start + step) for start in range(0, shape[0] if row else 0, step))


def index_in(block: Block, index: tuple[int, ...]) -> tuple[int, ...]:
    """Return where an element of a block is in the whole array."""
    return index if isinstance(block, EllipsisType) else (block.start + index[0], *index[1:])
