"""One replica written down as a list of aten calls on float64 tensors, so that others can be replayed.

The recorder stands outside the interpreter's mode, and sees what is done to values and to integers. A tensor
is a slot of the tape; what no call made is a constant. Views are slots of one form of one storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from samestep.agreement.arithmetic.torch.arguments import leaves_of, mapped, results_of
from samestep.agreement.arithmetic.torch.dtypes import unseen
from samestep.agreement.arithmetic.torch.instructions import (
    Call,
    Decision,
    DrawNumber,
    DrawNumbers,
    Error,
    Instruction,
    Number,
    Slot,
)
from samestep.agreement.arithmetic.torch.noise_pool import Draw

_AS_STRIDED = torch.ops.aten.as_strided.default


class Recorder(TorchDispatchMode):  # type: ignore[misc]
    """Writes down the calls of one replica; ``reason`` says why it cannot be replayed, if so.

    ``bases`` has the slot that stands for each slot's storage, ``changed`` the constants that calls change.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Instruction] = []
        self.constants: dict[Slot, Tensor] = {}
        self.changed: set[Slot] = set()
        self.bases: list[Slot] = []
        self.reason = ""
        self.results: dict[Any, Slot] = {}
        self._dtypes: list[torch.dtype] = []
        self._numbers: dict[float, Number] = {}
        self._forms: dict[Any, Slot] = {}

    def give_up(self, reason: str) -> None:
        """This replica cannot be replayed: others are run by the mode."""
        self.reason = self.reason or reason

    def guard(self, tensor: Tensor, kept: Any) -> None:
        """An integer of the exact run was kept: a replay that has another finds it."""
        expected = kept.clone() if isinstance(kept, Tensor) else kept
        self.calls.append(Decision(self.slot(tensor), expected))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled in here: PyTorch's wrapper would only cost time

    def holds(self, tensor: Tensor) -> bool:
        """Return whether the storage of a tensor is a constant, which replays read."""
        return self._base(tensor) in self.constants

    def forget(self) -> None:
        """Let go of the tensors, which know this recorder."""
        self.constants = {}

    # -- slots -----------------------------------------------------------------------------------------

    def slot(self, tensor: Tensor) -> Slot:
        """Return the slot of a tensor; one that no call made becomes a constant."""
        known = self._known(tensor)
        if known is not None:
            return known
        if self._base(tensor) is None:
            self._constant(tensor)
        return self._view(tensor)

    def _known(self, tensor: Tensor) -> Slot | None:
        slot = getattr(tensor, "tape_slot", None)
        return slot[1] if slot is not None and slot[0] is self else None

    def _base(self, tensor: Tensor) -> Slot | None:
        base = getattr(tensor.untyped_storage(), "tape_base", None)
        return base[1] if base is not None and base[0] is self else None

    def _constant(self, tensor: Tensor, ours: bool = False) -> None:
        """The whole storage, in a row. What is the engine's own is copied only if a call changes it."""
        with unseen():
            storage = tensor.untyped_storage()
            row = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            row.set_(storage, 0, (storage.nbytes() // tensor.itemsize,), (1,))
            slot = self._new(row)
            self.constants[slot] = row if ours or tensor.dtype is torch.float64 else row.clone()

    def _new(self, tensor: Tensor) -> Slot:
        slot = Slot(len(self.bases))
        tensor.tape_slot = (self, slot)
        base = self._base(tensor)
        if base is None:
            base = slot
            tensor.untyped_storage().tape_base = (self, slot)
        self.bases.append(base)
        self._dtypes.append(tensor.dtype)
        if self._is_plain(tensor, base):
            self._forms.setdefault(_form(base, tensor), slot)
        return slot

    def _is_plain(self, tensor: Tensor, base: Slot) -> bool:
        """Whether a tensor is the same bytes in another order, which `as_strided` can make."""
        return tensor.dtype is self._dtypes[base] and not tensor.is_conj() and not tensor.is_neg()

    def _view(self, tensor: Tensor) -> Slot:
        base = self._base(tensor)
        assert base is not None
        if not self._is_plain(tensor, base):
            self.give_up("a lazy conjugate or the bits of a tensor are made past the tape")
        form = _form(base, tensor)
        slot = self._forms.get(form)
        if slot is None:
            slot = self._new(tensor)
            self.calls.append(Call(_AS_STRIDED, form, {}, (slot,)))
        tensor.tape_slot = (self, slot)
        return slot

    def _operand(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.slot(value)
        return self._numbers.get(value, value) if isinstance(value, float) else value

    # -- what is seen ----------------------------------------------------------------------------------

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        operands, named = mapped(self._operand, tuple(args)), mapped(self._operand, dict(kwargs))
        if func._schema.is_mutable:
            self._before_change([x for x in leaves_of(args[:1], {}) if isinstance(x, Tensor)])
        out = func(*args, **kwargs)
        at, before = len(self.calls), len(self.bases)
        slots = tuple(self._result(one) if isinstance(one, Tensor) else None for one in results_of(out))
        made = any(slot is not None and slot >= before and self._owns(slot, at) for slot in slots)
        if made or func._schema.is_mutable:
            self.calls.insert(at, Call(func, operands, named, slots))
        elif isinstance(out, (bool, int)):
            self.calls.append(Decision(Call(func, operands, named, ()), out))
        elif isinstance(out, float):
            self.give_up("a computed number is read out")
        return out

    def _owns(self, slot: Slot, at: int) -> bool:
        """Whether no view since the call at ``at`` makes this slot: the call itself does."""
        return not any(isinstance(one, Call) and slot in one.results for one in self.calls[at:])

    def _result(self, one: Tensor) -> Slot:
        known = self._known(one)
        if known is not None:
            return known
        base = self._base(one)
        return self._view(one) if base is not None and self._is_plain(one, base) else self._new(one)

    def _before_change(self, tensors: list[Tensor]) -> None:
        for tensor in tensors:
            base = self.bases[self.slot(tensor)]
            if base in self.constants and base not in self.changed:
                self.changed.add(base)
                with unseen():
                    self.constants[base] = self.constants[base].clone()

    def drew(self, draw: Draw, offset: int, numbers: Tensor) -> None:
        """A block of random numbers was drawn."""
        self.calls.append(DrawNumbers(draw, self._new(numbers)))

    def erred(self, draw: Draw, out: Tensor, width: Tensor | None, scale: float, relative: bool) -> None:
        """A block of random numbers was drawn, and has changed ``out``."""
        self._before_change([out])
        if width is not None and self._known(width) is None and self._base(width) is None:
            self._constant(width, ours=True)
        slots = self.slot(out), None if width is None else self.slot(width)
        self.calls.append(Error(draw, *slots, scale, relative))

    def drew_number(self, exact: float, scale: float, offset: int, noisy: float) -> None:
        """A literal was rounded."""
        number = Number(len(self._numbers))
        self.calls.append(DrawNumber(exact, scale, number))
        self._numbers[noisy] = number


def _form(base: Slot, tensor: Tensor) -> tuple[Any, ...]:
    return base, tuple(tensor.shape), tensor.stride(), tensor.storage_offset()
