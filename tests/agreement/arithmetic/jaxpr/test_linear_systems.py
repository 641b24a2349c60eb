"""Factorisations and solutions of linear systems against real float32, in JAX."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy import linalg

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from tests.agreement.arithmetic.jaxpr.judge import assert_honest, compiled_at_once, program_of, seen

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def near_one(*batch, n):
    """Matrices that are none near a singular one, for which rows change places."""
    rows = RNG.standard_normal((*batch, n, n)) / n**0.5 + 2.5 * np.eye(n)
    return rows[..., RNG.permutation(n), :].astype(np.float32)


A, B, C = near_one(n=20), normal(20, 30), normal(30, 20)
S = (C.T @ C / 30 + 0.5 * np.eye(20)).astype(np.float32)
UP = A + 3 * np.eye(20, dtype=np.float32)
triangular = lax.linalg.triangular_solve

CASES = {
    "solve": (jnp.linalg.solve, A, B),
    "inverse": (jnp.linalg.inv, near_one(3, n=16)),
    "determinant": (jnp.linalg.det, near_one(600, n=5)),
    "log determinant": (lambda a: jnp.linalg.slogdet(a)[1], near_one(600, n=5)),
    "lu": (lambda a: linalg.lu(a)[1:], near_one(n=24)),
    "cholesky": (jnp.linalg.cholesky, S),
    "lower": (lambda a, b: linalg.solve_triangular(a, b, lower=True), UP, B),
    "lower transposed": (lambda a, b: linalg.solve_triangular(a, b, lower=True, trans=1), UP, B),
    "right": (lambda a, b: triangular(a, b, left_side=False, lower=False), UP, C),
    "right transposed unit": (
        lambda a, b: triangular(
            a * 0.2, b, left_side=False, lower=True, transpose_a=True, unit_diagonal=True), A, C),
    "cholesky solve": (lambda a, b: linalg.cho_solve(linalg.cho_factor(a), b), S, B),
    "gradient of solve": (jax.grad(lambda a, b: jnp.sum(jnp.sin(jnp.linalg.solve(a, b)))), A, B),
    "gradient of cholesky": (jax.grad(lambda a: jnp.sum(jnp.sin(jnp.linalg.cholesky(a)))), S),
    "gradient of determinants": (jax.grad(lambda a: jnp.sum(jnp.linalg.slogdet(a)[1])), near_one(40, n=5)),
}  # fmt: skip


@pytest.fixture(scope="module")
def computed():
    return compiled_at_once(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_real_float32_is_within_the_rule(name, computed):
    function, *operands = CASES[name]
    program = program_of(function, operands)
    assert_honest(program, computed[name])
    assert all(one.norm > 1 / 8 for one in seen(program, computed[name]).values())


def test_what_is_exact_does_not_round():
    program = JaxProgram(lambda a: {"out": jnp.linalg.solve(a, a)}, (2 * np.eye(4, dtype=np.float32),))
    assert np.array_equal(program.replica(0)["out"], np.eye(4))
