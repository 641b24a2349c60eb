"""Replays a tape: the calls of one replica, with other random numbers, as one generated function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from samestep.agreement.arithmetic.torch.instructions import (
    Call,
    Decision,
    DrawNumber,
    DrawNumbers,
    Error,
    Instruction,
    Skipped,
    Slot,
)
from samestep.agreement.arithmetic.torch.noise_pool import NoisePool
from samestep.agreement.arithmetic.torch.path import Path
from samestep.agreement.arithmetic.torch.poison import same_bits
from samestep.agreement.arithmetic.torch.tape import Recorder
from samestep.agreement.arithmetic.torch.tape_folding import folded
from samestep.agreement.arithmetic.torch.tape_source import TapeSource
from samestep.agreement.aside import let_go

#: Replicas that a tape must give as the code does: the one on it, and another.
CHECKS = 2


class Tape:
    """The calls of a recorder, without those that no result needs.

    ``reason`` says why it cannot replay, "" if it can. It is trusted after two replicas that it gave bit for
    bit: a number that the code computed past the tape differs in the second.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.reason = recorder.reason
        self.calls: list[Instruction] = []
        self._changed = recorder.changed
        self._constants: dict[Slot, torch.Tensor] = {}
        self._replay: Callable[..., Any] | None = None
        self._keys: tuple[Any, ...] = ()
        self._same = 0
        if not self.reason:
            with like_the_mode():
                self.calls, constants = folded(needed(recorder), recorder.constants, recorder.bases)
            used = {slot for call in self.calls for slot in call.slots()} | {*recorder.results.values()}
            self._constants = {slot: value for slot, value in constants.items() if slot in used}
            source = TapeSource(self.calls, self._constants, recorder.results, recorder.bases)
            self._keys, self._replay = tuple(recorder.results), source.function()

    @property
    def is_trusted(self) -> bool:
        """Whether replays may stand for runs of the code."""
        return not self.reason and self._same >= CHECKS

    def check(self, seed: int, result: Mapping[Any, np.ndarray], path: Path) -> None:
        """Compare the replay of a seed with the replica that the code gave for it."""
        if self.reason:
            return
        different: list[Any] = []

        def compare(key: Any, array: np.ndarray) -> None:
            if not same_bits(result[key], array):
                different.append(key)
            let_go(result[key])

        self._same += 1
        if not self._run(seed, path, compare) or different:
            self.reason = "a replay differs from the code's own replica"
            self.calls, self._constants, self._replay = [], {}, None

    def arrays(self, seed: int, path: Path) -> dict[Any, np.ndarray] | None:
        """Return the named tensors of the replica of a seed; an integer that differs is found.

        None where a number that the code reads, and that no replica had moved before, is another.
        """
        found: dict[Any, np.ndarray] = {}
        is_valid = self._run(seed, path, found.__setitem__)
        return {key: found[key] for key in self._keys} if is_valid else None

    @property
    def is_certain(self) -> bool:
        """Whether no number that the code reads can make a replay useless."""
        return not any(isinstance(call, Decision) and isinstance(call.expected, float) for call in self.calls)

    def hand_on(self, seed: int, path: Path, give: Callable[[Any, np.ndarray], None]) -> None:
        """Give each named tensor of the replica of a seed as it is made; the tape is certain."""
        self._run(seed, path, give)

    def _run(self, seed: int, path: Path, give: Callable[[Any, np.ndarray], None]) -> bool:
        """Give each named tensor of a replica as it is made; return whether they are what the code gives."""
        assert self._replay is not None
        constants = [
            value.clone() if slot in self._changed else value for slot, value in self._constants.items()
        ]
        held = {id(value) for value in constants}
        with like_the_mode():
            flips, lost = self._replay(
                NoisePool(seed), constants, lambda key, x: give(key, as_array(x, id(x) not in held))
            )
        if flips and not lost:
            path.find("decides", "a value that rounding moves decides, or becomes an integer")
        return not lost


@contextmanager
def like_the_mode() -> Iterator[None]:
    """Below autograd, with float64 where an operation makes floats of integers or nothing."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_default_dtype(default)


def needed(recorder: Recorder) -> list[Instruction]:
    """Return the calls that the results, and decisions, depend on; draws stay, for their order."""
    bases = recorder.bases
    slots = set(recorder.results.values())
    storages = {bases[slot] for slot in slots}
    kept = []
    for call in reversed(recorder.calls):
        if isinstance(call, Call):
            made = any(slot in slots for slot in call.results if slot is not None)
            if not made and not any(bases[slot] in storages for slot in call.changes):
                continue
        if isinstance(call, Error) and bases[call.out] not in storages:
            call = Skipped()
        if not isinstance(call, (DrawNumbers, DrawNumber)):
            used = call.slots()
            slots.update(used)
            storages.update(bases[slot] for slot in used)
        kept.append(call)
    return kept[::-1]


def as_array(tensor: torch.Tensor, alone: bool = False) -> np.ndarray:
    """Return a tensor as a NumPy array: a copy, unless it is ``alone`` in using all of its memory."""
    plain = tensor.detach().resolve_conj().resolve_neg().cpu()
    whole = plain.untyped_storage().nbytes() == plain.numel() * plain.itemsize
    return plain.numpy() if alone and whole else np.array(plain.numpy())
