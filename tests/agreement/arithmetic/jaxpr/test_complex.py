"""Complex numbers and Fourier transforms against real float32, in JAX."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

import jax
import jax.numpy as jnp
from jax import lax

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from samestep.agreement.arithmetic.program import Nudge, Refused, constant_digest
from tests.agreement.arithmetic.jaxpr.judge import assert_honest, compiled_at_once, program_of, seen

RNG = np.random.default_rng(3)
TURNS = np.exp(1j * np.arange(24) / 7).astype(np.complex64)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


A, B = normal(30, 24), normal(30, 24)


def parts(z):
    return jnp.stack([z.real, z.imag])


def whole(a, b):
    return lax.complex(a, b)


CASES = {
    "sum": (lambda a, b: parts(whole(a, b) + whole(b * 0.3, a)), A, B),
    "product": (lambda a, b: parts(whole(a, b) * whole(b, -a)), A, B),
    "quotient": (lambda a, b: parts(whole(a, b) / whole(b, a)), A, B),
    "exp": (lambda a, b: parts(jnp.exp(whole(a, b))), A, B),
    "log": (lambda a, b: parts(jnp.log(whole(a, b))), A, B),
    "abs": (lambda a, b: jnp.abs(whole(a, b)), A, B),
    "sign": (lambda a, b: parts(jnp.sign(whole(a, b))), A, B),
    "angle": (lambda a, b: jnp.angle(whole(a, b)), A, B),
    "square": (lambda a, b: parts(whole(a, b) ** 3), A, B),
    "sum over": (lambda a, b: parts(whole(a, b).sum(0)), normal(40, 500), normal(40, 500)),
    "matrices": (lambda a, b: parts(whole(a, b) @ whole(b, a).T), A, B),
    "turned": (lambda a, b: parts(whole(a, b) * TURNS), A, B),
    "fft": (lambda a: parts(jnp.fft.fft(a)), normal(20, 64)),
    "fft shifted": (lambda a: parts(jnp.fft.fft(a)), normal(10, 1024) + 30),
    "fft prime": (lambda a, b: parts(jnp.fft.fft(whole(a, b))), normal(20, 97), normal(20, 97)),
    "ifft": (lambda a, b: parts(jnp.fft.ifft(whole(a, b))), A, B),
    "rfft": (lambda a: parts(jnp.fft.rfft(a, norm="ortho")), normal(20, 60)),
    "irfft": (lambda a, b: jnp.fft.irfft(whole(a, b), n=45), A, B),
    "fft2": (lambda a: parts(jnp.fft.fft2(a)), normal(3, 16, 24)),
    "rfft2": (lambda a: parts(jnp.fft.rfft2(a)), normal(3, 16, 24)),
    "irfft2": (lambda a, b: jnp.fft.irfft2(whole(a, b)), A, B),
    "gradient of a spectrum": (jax.grad(lambda a: jnp.sum(jnp.abs(jnp.fft.rfft(a)) ** 1.5)), normal(20, 40)),
    "gradient of irfft2": (
        jax.grad(lambda a: jnp.sum(jnp.sin(jnp.fft.irfft2(jnp.fft.rfft2(a, norm="ortho") * 0.7)))),
        normal(20, 30)),
}  # fmt: skip


#: Functions of a library are allowed 16 u, which few need.
LIBRARY, LEAST_OF_LIBRARY = ("abs", "angle", "exp", "log", "sign"), 1 / 128


@pytest.fixture(scope="module")
def computed():
    return compiled_at_once(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_real_float32_is_within_the_rule(name, computed):
    function, *operands = CASES[name]
    program = program_of(function, operands)
    assert_honest(program, computed[name])
    least = LEAST_OF_LIBRARY if name in LIBRARY else 1 / 8
    assert all(one.norm > least for one in seen(program, computed[name]).values())
    assert not program.findings


def test_a_complex_constant_owes_a_rounding_of_each_part():
    program = JaxProgram(lambda a: {"out": jnp.abs(a * TURNS)}, (A,))
    exact = program.exact()["out"]
    assert list(program.constants) == [constant_digest(np.stack([TURNS.real, TURNS.imag]))]
    moved = program.exact(Nudge(constants=1))["out"]
    assert 0 < np.abs(moved - exact).max() < 2.0**-20


def test_complex_numbers_without_a_rule_are_refused():
    with pytest.raises(Refused, match=r"cumsum .*complex"):
        JaxProgram(lambda a: {"out": jnp.cumsum(a * 1j, 1).imag}, (A,)).exact()
