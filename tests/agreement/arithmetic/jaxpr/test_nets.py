"""Small networks, forward and gradients: exact in float64, and real float32 within the replicas' limits."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

import jax

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from samestep.agreement.arithmetic.program import DOUBLE_SCALE, Level, Nudge
from samestep.agreement.limits import elementwise_limit
from tests.agreement.arithmetic.jaxpr.judge import REPLICAS, assert_honest, real, sigma_of
from tests.agreement.arithmetic.jaxpr.nets import NETS


@pytest.fixture(params=sorted(NETS), scope="module")
def net(request):
    """A network, its arguments, its program, and the sigma of its tensors."""
    function, args = NETS[request.param](np.random.default_rng(1))
    program = JaxProgram(function, args)
    return function, args, program, sigma_of(program)


def in_float64(tree):
    return jax.tree_util.tree_map(
        lambda x: np.asarray(x, np.float64) if np.asarray(x).dtype == np.float32 else np.asarray(x), tree
    )


def test_correct_float32_is_within_the_limits(net):
    function, args, program, sigma = net
    assert_honest(program, jax.jit(function)(*args), known=sigma)


def test_the_exact_run_is_the_function_in_float64(net):
    """To rounding at 2^-53, and what literals that float32 holds otherwise owe."""
    function, args, program, sigma = net
    exact = program.exact()
    owed = {key: np.zeros(np.shape(value)) for key, value in exact.items()}
    for literal in program.literals:
        moved = program.exact(Nudge(literal=literal))
        owed = {key: value + np.abs(moved[key] - exact[key]) for key, value in owed.items()}
    with jax.enable_x64(True):
        double = real(function, *in_float64(args))
    for key, value in exact.items():
        limit = elementwise_limit(REPLICAS) * np.maximum(sigma[key], sigma[key].mean()) * DOUBLE_SCALE
        assert np.all(np.abs(value - np.asarray(double[key])) <= limit + owed[key]), key


def test_a_replica_is_the_same_bit_for_bit_and_no_other(net):
    program = net[2]
    one, again, other = program.replica(3), program.replica(3), program.replica(4)
    assert all(np.array_equal(one[key], again[key]) for key in one)
    assert not any(np.array_equal(one[key], other[key]) for key in one)
    double = program.replica(3, Level.DOUBLE)
    assert program.uniform
    assert all(np.array_equal(one[key], double[key]) for key in one)
