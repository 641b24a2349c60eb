"""Replays a tape: the calls of one replica, with other random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.arguments import mapped, results_of
from samestep.agreement.arithmetic.torch.instructions import (
    Call,
    Decision,
    DrawNumber,
    DrawNumbers,
    Number,
    Slot,
)
from samestep.agreement.arithmetic.torch.noise_pool import NoisePool
from samestep.agreement.arithmetic.torch.tape import Recorder


class Replay:
    """The tape of a recorder, without the calls that no result needs; a slot is freed after its last use."""

    def __init__(self, recorder: Recorder, results: Mapping[Any, Slot]) -> None:
        self.results = dict(results)
        self.constants, self.changed = recorder.constants, recorder.changed
        self.calls = _needed(recorder, set(results.values()))
        self._free = self._last_uses()

    def __call__(self, seed: int) -> tuple[dict[Any, Tensor], int]:
        """Return the named tensors of the replica of a seed, and how many decisions went another way."""
        pool, flips = NoisePool(seed), 0
        slots: dict[Slot, Any] = {
            slot: value.clone() if slot in self.changed else value for slot, value in self.constants.items()
        }
        numbers: dict[Number, float] = {}

        def operand(x: Any) -> Any:
            kind = type(x)
            return slots[x] if kind is Slot else numbers[x] if kind is Number else x

        for call, free in zip(self.calls, self._free, strict=True):
            if type(call) is DrawNumbers:
                offset = pool.next_offset()
                slots[call.slot] = pool.block(call.draw, offset)
            elif type(call) is DrawNumber:
                random = pool.number(pool.next_offset())
                numbers[call.number] = call.exact * (1 + call.scale * random)
            elif type(call) is Call:
                out = call.func(*mapped(operand, call.args), **mapped(operand, call.kwargs))
                for slot, value in zip(call.results, results_of(out), strict=True):
                    if slot is not None:
                        slots[slot] = value
            else:
                flips += not _as_decided(call, operand)
            for slot in free:
                del slots[slot]
        return {key: slots[slot] for key, slot in self.results.items()}, flips

    def _last_uses(self) -> list[list[Slot]]:
        last: dict[Slot, int] = {}
        for at, call in enumerate(self.calls):
            last.update(dict.fromkeys(_slots_of(call), at))
        kept = {*self.results.values()}
        free: list[list[Slot]] = [[] for _ in self.calls]
        for slot, at in last.items():
            if slot not in kept:
                free[at].append(slot)
        return free


def _as_decided(decision: Decision, operand: Any) -> bool:
    of = decision.of
    if isinstance(of, Call):
        return bool(of.func(*mapped(operand, of.args), **mapped(operand, of.kwargs)) == decision.expected)
    value = operand(of)
    if isinstance(decision.expected, Tensor):
        return torch.equal(value, decision.expected)
    return bool(value.item() == decision.expected)


def _slots_of(call: Any) -> list[Slot]:
    if isinstance(call, DrawNumbers):
        return [call.slot]
    if isinstance(call, Decision):
        return [call.of] if isinstance(call.of, Slot) else list(call.of.operands())
    if isinstance(call, DrawNumber):
        return []
    return [*call.operands(), *(slot for slot in call.results if slot is not None)]


def _needed(recorder: Recorder, wanted: set[Slot]) -> list[Any]:
    """Return the calls that the wanted slots, and decisions, depend on; draws stay, for their order."""
    bases = recorder.bases
    slots, storages = set(wanted), {bases[slot] for slot in wanted}
    kept = []
    for call in reversed(recorder.calls):
        if isinstance(call, Call):
            made = any(slot in slots for slot in call.results if slot is not None)
            changes = any(bases[slot] in storages for slot in call.changes)
            if not made and not changes:
                continue
        if not isinstance(call, (DrawNumbers, DrawNumber)):
            used = _slots_of(call)
            slots.update(used)
            storages.update(bases[slot] for slot in used)
        kept.append(call)
    return kept[::-1]
