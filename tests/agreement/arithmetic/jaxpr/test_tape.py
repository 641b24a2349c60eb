"""The tape computes what the steps compute: without errors, a replica is the exact run bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

import jax.numpy as jnp
from jax import lax

from samestep.agreement.arithmetic.jaxpr import draws, tape
from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from tests.agreement.arithmetic.jaxpr.nets import NETS

RNG = np.random.default_rng(3)
X = RNG.standard_normal((12, 10)).astype(np.float32)


def passes_on(x):
    """A scan whose carry holds what is given, twice, and what never changes."""

    def turn(carry, row):
        kept, also, moving = carry
        return (kept, kept, moving * row + also), (moving, kept)

    (a, b, c), rows = lax.scan(turn, (x[0] * 1.3, x[1], x[2]), x)
    return {"a": a, "b": b, "c": c, **dict(enumerate(rows)), "again": a + b * c}


def groups(x):
    tiled = jnp.tile(x, (8, 8)) * 1.7
    return {
        "tiled": tiled,
        "sum": tiled.sum(0),
        "transposed": (x.T * 1.3 + x.T).sum(0),
        "whole": (x * x).sum(),
    }


def running(x):
    return {"sum": jnp.cumsum(x * 1.1, 1), "back": lax.cumsum(x, 0, reverse=True), "factors": jnp.cumprod(x)}


def decides(x):
    y = lax.while_loop(lambda s: jnp.sum(s) < 999, lambda s: s * 1.7, jnp.abs(x))
    return {"y": y, "z": lax.cond(y[0, 0] > 1, jnp.sin, jnp.cos, y), "i": (y * 3).astype(jnp.int32)}


CASES = {
    **{name: lambda make=make: make(np.random.default_rng(2)) for name, make in NETS.items()},
    **{f.__name__: lambda f=f: (f, (X,)) for f in (passes_on, groups, running, decides)},
}


@pytest.fixture
def silence(monkeypatch):
    """Errors of size 0."""
    zeros, ones = np.zeros(draws.POOL), np.ones(draws.POOL)
    for module in (draws, tape):
        monkeypatch.setattr(module, "pool", lambda: zeros)
        monkeypatch.setattr(module, "factors", lambda width: ones)


@pytest.mark.parametrize("name", sorted(CASES))
def test_without_errors_a_replica_is_the_exact_run(name, silence):
    same_without_errors(name)


@pytest.mark.parametrize("name", ["gru", "passes_on"])
def test_a_scan_that_is_not_written_out_is_the_same(name, silence, monkeypatch):
    monkeypatch.setattr(tape, "WRITTEN_OUT", 0)
    same_without_errors(name)


def same_without_errors(name):
    program = JaxProgram(*CASES[name]())
    exact, replica = program.exact(), program.replica(0)
    assert list(exact) == list(replica)
    assert all(np.array_equal(exact[key], replica[key]) for key in exact)


@pytest.mark.parametrize("name", ["passes_on", "groups", "running", "decides"])
def test_with_errors_it_is_not(name):
    program = JaxProgram(*CASES[name]())
    exact, replica = program.exact(), program.replica(0)
    moved = [key for key in exact if not np.array_equal(exact[key], replica[key])]
    assert set(moved) >= {key for key in exact if key not in ("i", "b", 1)}


def test_large_arrays_are_drawn_in_blocks():
    size = draws.POOL
    program = JaxProgram(lambda x: {"y": x * 1.1}, (RNG.standard_normal(size).astype(np.float32),))
    errors = program.replica(0)["y"] / program.exact()["y"] - 1
    half = size // 2
    assert abs(np.corrcoef(errors[:half], errors[half:])[0, 1]) < 0.1
    assert np.all(np.abs(errors) <= 2.0**-22)
