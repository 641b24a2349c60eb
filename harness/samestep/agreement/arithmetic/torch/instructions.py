"""What a tape is made of: calls, draws and decisions on numbered slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from samestep.agreement.arithmetic.torch.arguments import leaves_of
from samestep.agreement.arithmetic.torch.noise_pool import Draw


class Slot(int):
    """The number of a tensor on a tape."""


class Number(int):
    """The number of a literal on a tape: its value is another in each replica."""


@dataclass(frozen=True)
class Call:
    """``func(*args, **kwargs)``, with slots in the place of tensors; its results go to ``results``."""

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: tuple[Slot | None, ...]

    @property
    def changes(self) -> list[Slot]:
        """The slots that it changes in place."""
        if not self.func._schema.is_mutable:
            return []
        return [x for x in leaves_of(self.args[:1], {}) if type(x) is Slot]

    @property
    def has_numbers(self) -> bool:
        """Whether a literal is among its arguments."""
        return any(type(x) is Number for x in leaves_of(self.args, self.kwargs))

    def operands(self) -> Iterator[Slot]:
        """Yield the slots that it reads."""
        return (x for x in leaves_of(self.args, self.kwargs) if type(x) is Slot)

    def slots(self) -> list[Slot]:
        """Return the slots that it reads and makes."""
        return [*self.operands(), *(slot for slot in self.results if slot is not None)]


@dataclass(frozen=True)
class DrawNumbers:
    """A block of random numbers goes to ``slot``."""

    draw: Draw
    slot: Slot

    def slots(self) -> list[Slot]:
        """Return the slot that it makes."""
        return [self.slot]


@dataclass(frozen=True)
class DrawNumber:
    """The literal ``exact`` is rounded: exact (1 + scale x a random number) goes to ``number``."""

    exact: float
    scale: float
    number: Number

    def slots(self) -> list[Slot]:
        """Return no slots."""
        return []


@dataclass(frozen=True)
class Decision:
    """What ``of`` gives was ``expected`` in the exact run, and the code went on with that."""

    of: Call | Slot
    expected: Any
    results: tuple[Slot, ...] = ()
    changes: tuple[Slot, ...] = ()

    @property
    def has_numbers(self) -> bool:
        """Whether a literal is among its arguments."""
        return isinstance(self.of, Call) and self.of.has_numbers

    def operands(self) -> Iterator[Slot]:
        """Yield the slots that it reads."""
        return iter([self.of]) if isinstance(self.of, Slot) else self.of.operands()

    def slots(self) -> list[Slot]:
        """Return the slots that it reads."""
        return list(self.operands())


@dataclass(frozen=True)
class Error:
    """`add_error` changes ``out`` by a block of random numbers x ``width``."""

    draw: Draw
    out: Slot
    width: Slot | None
    scale: float
    relative: bool

    @property
    def changes(self) -> list[Slot]:
        """The slot that it changes in place."""
        return [self.out]

    def slots(self) -> list[Slot]:
        """Return the slots that it reads."""
        return [self.out] if self.width is None else [self.out, self.width]


@dataclass(frozen=True)
class Skipped:
    """A block of random numbers that no result needs; those after it are drawn in their turn."""

    def slots(self) -> list[Slot]:
        """Return no slots."""
        return []


Instruction = Error | Call | DrawNumbers | DrawNumber | Decision | Skipped
