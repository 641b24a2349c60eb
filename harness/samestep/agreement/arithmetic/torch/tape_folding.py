"""What a tape computes from constants alone is computed once, and its results are constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from samestep.agreement.arithmetic.torch.arguments import mapped, results_of
from samestep.agreement.arithmetic.torch.instructions import Call, Decision, DrawNumbers, Error, Slot


def folded(
    calls: Sequence[Any], constants: Mapping[Slot, torch.Tensor], bases: Sequence[Slot]
) -> tuple[list[Any], dict[Slot, torch.Tensor]]:
    """Return the calls that differ between replicas, and the constants with the results of all others.

    A storage differs if a draw goes to it, or a call that reads from one that does. A decision on what does
    not differ is the exact run's.
    """
    differing = _differing(calls, bases)
    values, kept = dict(constants), []
    for call in calls:
        if not isinstance(call, Call | Decision) or _differs(call, differing, bases):
            kept.append(call)
        elif isinstance(call, Call):
            operand = lambda x: values[x] if type(x) is Slot else x  # noqa: E731
            results = call.func(*mapped(operand, call.args), **mapped(operand, call.kwargs))
            for slot, value in zip(call.results, results_of(results), strict=True):
                if slot is not None:
                    values[slot] = value
    return kept, values


def _differing(calls: Sequence[Any], bases: Sequence[Slot]) -> set[Slot]:
    found = {bases[call.slot] for call in calls if isinstance(call, DrawNumbers)}
    found |= {bases[call.out] for call in calls if isinstance(call, Error)}
    seen = [
        (
            {bases[slot] for slot in call.operands()},
            {bases[slot] for slot in call.results if slot is not None},
            {bases[slot] for slot in call.changes},
            call.has_numbers,
        )
        for call in calls
        if isinstance(call, Call | Decision)
    ]
    before = -1
    while before != len(found):
        before, read = len(found), set[Slot]()
        for reads, makes, changes, has_numbers in seen:
            differs = has_numbers or not (found.isdisjoint(reads) and found.isdisjoint(makes))
            if differs or not changes.isdisjoint(read):  # what was read before is another value
                found |= makes | changes
                read |= reads
    return found


def _differs(call: Call | Decision, differing: set[Slot], bases: Sequence[Slot]) -> bool:
    slots = [*call.operands(), *(slot for slot in call.results if slot is not None)]
    return call.has_numbers or any(bases[slot] in differing for slot in slots)
