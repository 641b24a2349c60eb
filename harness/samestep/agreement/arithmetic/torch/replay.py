"""Replays a tape: the calls of one replica, with other random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
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
from samestep.agreement.arithmetic.torch.path import Path
from samestep.agreement.arithmetic.torch.poison import same_bits
from samestep.agreement.arithmetic.torch.tape import Recorder

#: Replicas that a tape must give as the code does: the one on it, and another.
CHECKS = 2


class Tape:
    """The calls of a recorder, without those that no result needs; a slot is freed after its last use.

    ``reason`` says why it cannot replay, "" if it can. It is trusted after two replicas that it gave bit for
    bit: a number that the code computed past the tape differs in the second.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.results, self.reason = recorder.results, recorder.reason
        self._constants, self._changed = recorder.constants, recorder.changed
        self._calls = [] if self.reason else _needed(recorder, set(self.results.values()))
        self._free = self._last_uses()
        self._same = 0

    @property
    def is_trusted(self) -> bool:
        """Whether replays may stand for runs of the code."""
        return not self.reason and self._same >= CHECKS

    def check(self, seed: int, result: Mapping[Any, np.ndarray], path: Path) -> None:
        """Compare the replay of a seed with the replica that the code gave for it."""
        if self.reason:
            return
        replayed = self.arrays(seed, path)
        self._same += 1
        if not all(same_bits(value, replayed[key]) for key, value in result.items()):
            self.reason = "a replay differs from the code's own replica"
            self._calls, self._constants = [], {}

    def arrays(self, seed: int, path: Path) -> dict[Any, np.ndarray]:
        """Return the named tensors of the replica of a seed; a decision that differs is found."""
        tensors, flips = self.replay(seed)
        if flips:
            path.find("decides", "a value that rounding moves decides, or becomes an integer")
        return {key: as_array(tensor) for key, tensor in tensors.items()}

    def replay(self, seed: int) -> tuple[dict[Any, Tensor], int]:
        """Return the tensors of the replica of a seed, and how many decisions went another way."""
        pool, flips = NoisePool(seed), 0
        slots: dict[Slot, Any] = {
            slot: value.clone() if slot in self._changed else value for slot, value in self._constants.items()
        }
        numbers: dict[Number, float] = {}

        def operand(x: Any) -> Any:
            kind = type(x)
            return slots[x] if kind is Slot else numbers[x] if kind is Number else x

        for call, free in zip(self._calls, self._free, strict=True):
            if type(call) is DrawNumbers:
                slots[call.slot] = pool.block(call.draw, pool.next_offset())
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
        for at, call in enumerate(self._calls):
            last.update(dict.fromkeys(_slots_of(call), at))
        kept = {*self.results.values()}
        free: list[list[Slot]] = [[] for _ in self._calls]
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


def as_array(tensor: Tensor) -> np.ndarray:
    """Return a copy of a tensor as a NumPy array."""
    return np.array(tensor.detach().resolve_conj().resolve_neg().cpu().numpy())
