"""The rule of each primitive against real float32 JAX; what is exact gives the same bits."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")


from samestep.agreement.arithmetic.jaxpr.widths import has_rule
from tests.agreement.arithmetic.jaxpr.judge import (
    assert_honest,
    compiled_at_once,
    operands_of,
    program_of,
    seen,
)
from tests.agreement.arithmetic.jaxpr.primitive_cases import EXACT, ROUNDS


@pytest.fixture(scope="module")
def rounded():
    return compiled_at_once(ROUNDS)


@pytest.fixture(scope="module")
def unrounded():
    return compiled_at_once(EXACT)


@pytest.mark.parametrize("name", sorted(ROUNDS))
def test_real_float32_is_within_the_rule(name, rounded):
    function, *operands = ROUNDS[name]
    assert_honest(program_of(function, operands), rounded[name])


@pytest.mark.parametrize("name", sorted(EXACT))
def test_what_is_exact_gives_the_same_and_no_noise(name, unrounded):
    function, *operands = operands_of(EXACT[name])
    program, got = program_of(function, operands), unrounded[name]
    for run in (program.exact(), program.replica(0)):
        for key, value in run.items():
            assert np.array_equal(value, np.asarray(got[key], value.dtype), equal_nan=True), name
            assert value.shape == got[key].shape
            assert value.dtype == (np.float64 if got[key].dtype == np.float32 else got[key].dtype)
    assert not program.findings
    assert not any(one.rounds for one in seen(program, got, 2).values())


def test_rules_are_for_what_rounds():
    assert has_rule("dot_general")
    assert not has_rule("fft")
