"""A tensor of one number that the code holds, no buffer and no parameter, is a literal: others write 0.3."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from samestep.agreement.arithmetic.program import Literal, Nudge  # noqa: E402
from samestep.agreement.arithmetic.torch.program import TorchProgram  # noqa: E402

X = torch.linspace(-2, 3, 600)
WIDE = X.numpy().astype(np.float64)


def program_of(number, held=()):
    return TorchProgram(lambda: {"out": X * number}, lambda: None, held=lambda: (X, *held))


@pytest.mark.parametrize("shape", [(), (1,)])
def test_it_is_read_as_the_number_that_float32_rounded(shape):
    exact = program_of(torch.full(shape, 0.3)).exact()["out"]
    assert np.array_equal(exact, WIDE * 0.3)


def test_it_rounds_once_in_every_replica_by_the_tape_as_well():
    program = program_of(torch.tensor(0.3))
    common = [np.median(program.replica(seed)["out"] / (WIDE * 0.3) - 1) for seed in range(8)]
    assert all(2.0**-30 < abs(error) < 2.0**-23 for error in common)


def test_a_number_that_stands_for_nothing_may_be_off_by_one_rounding():
    value = float(np.float32(0.1234567))
    program = program_of(torch.tensor(value))
    exact = program.exact()["out"]
    assert program.literals == (Literal(value, 2.0**-24),)
    moved = program.exact(Nudge(literal=program.literals[0]))["out"]
    assert 0 < np.abs(moved - exact).max() < 2.0**-22


def test_what_the_other_side_holds_as_well_stays_as_it_is():
    number = torch.tensor(0.3)
    exact = program_of(number, (number,)).exact()["out"]
    assert np.array_equal(exact, WIDE * float(number))
