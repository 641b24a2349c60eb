"""Runs share the float64 values of what they are given, and none sees what another has changed."""

from __future__ import annotations

import gc

import pytest

torch = pytest.importorskip("torch")

from samestep.agreement.arithmetic.torch.program import TorchProgram  # noqa: E402
from samestep.agreement.arithmetic.torch.shared_values import SharedValues  # noqa: E402


def test_the_same_bits_are_held_once_while_someone_holds_them():
    shared, row = SharedValues(), torch.tensor([1.5, -0.0, float("nan")])
    first = shared.of(0, row)
    assert first.dtype is torch.float64
    assert shared.of(0, row.clone()).data_ptr() == first.data_ptr()
    assert shared.of(1, row).data_ptr() != first.data_ptr()
    assert shared.of(0, row.abs()).data_ptr() != first.data_ptr()
    del first
    gc.collect()
    assert not any(storage.nbytes() for storage in shared._storages.values())


def program_of(step):
    """A program of a step on one weight, which is put back before every run."""
    weight = torch.zeros(64)
    start = torch.randn(64, generator=torch.Generator().manual_seed(0))
    return TorchProgram(lambda: step(weight), lambda: weight.copy_(start), held=lambda: [weight])


def changing(weight):
    before = weight * 3
    weight.mul_(0.7).add_(before, alpha=0.1)
    weight[:8].exp_()
    return {"before": before, "weight": weight, "after": weight.sin()}


def drawing(weight):
    before = weight * 3
    weight.normal_()
    return {"before": before, "after": weight * weight}


def keeping(weight):
    return {"weight": weight, "after": weight.sin()}


@pytest.mark.parametrize("step", [changing, drawing, keeping])
def test_runs_that_change_what_they_are_given_are_those_of_a_program_alone(step):
    program = program_of(step)
    runs = [program.replica(seed) for seed in (5, 6, 7)]
    exact = program.exact()
    assert program._tapes
    assert not any(tape.reason for tape in program._tapes.values())
    for seed, run in zip((5, 6, 7), runs, strict=True):
        alone = program_of(step).replica(seed)
        assert all((run[key] == alone[key]).all() for key in alone)
    assert all((exact[key] == value).all() for key, value in program_of(step).exact().items())
