"""The tensors of a large model's replica go to the meter one at a time, as they are made: none is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol, runtime_checkable

import numpy as np

from samestep.agreement.arithmetic.program import Level, Program
from samestep.agreement.reference.spread import SpreadMeter
from samestep.models.tensors import TensorKey, Tensors

#: Tensors of fewer bytes are kept until the replica is done.
LARGE_BYTES = 2**22


@runtime_checkable
class HandsOn(Protocol):
    """A program that gives each tensor of a replica as soon as it is complete, in any order."""

    def hand_on(self, seed: int, level: Level, give: Callable[[TensorKey, np.ndarray], None]) -> None:
        """Give every tensor once; see `samestep.agreement.arithmetic.program.Program.replica`."""
        ...


def told_alone(translate: Callable[[Tensors], Tensors], own: Tensors) -> frozenset[TensorKey]:
    """Return the large tensors of ``own`` that say by themselves all that they say of the candidate's.

    None where a tensor of the candidate's is made of one of them and of others.
    """
    alone = {key: value for key, value in own.items() if value.nbytes >= LARGE_BYTES}
    others = {key: value for key, value in own.items() if key not in alone}
    told = [name for key, value in alone.items() for name in translate({key: value})]
    told += translate(others)
    return frozenset(alone) if len(told) == len({*told}) and {*told} == {*translate(own)} else frozenset()


def add_replica(
    meter: SpreadMeter[TensorKey],
    translate: Callable[[Tensors], Tensors],
    alone: Collection[TensorKey],
    program: Program[TensorKey],
    seed: int,
    level: Level,
) -> None:
    """Add a replica to the meter, those tensors that are ``told_alone`` one at a time."""
    if not alone or not isinstance(program, HandsOn):
        meter.add(translate(program.replica(seed, level)))
        return
    kept = {}

    def give(key: TensorKey, array: np.ndarray) -> None:
        if key in alone:
            meter.add(translate({key: array}))
        else:
            kept[key] = array

    program.hand_on(seed, level, give)
    meter.add(translate(kept))
