"""A relu at its edge: a flip that rounding makes is excused and said, and nothing else of its size is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import samestep
from samestep.agreement.arithmetic.program import Level, Program
from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.limits import rounding_deviation
from samestep.models.arithmetic_check import check_arithmetic
from samestep.models.expected import Expected, ReferencePrograms, measure_expected
from samestep.models.gates import flipped, without
from samestep.models.numpy import NumpySubject
from samestep.models.question import Question
from samestep.models.tensors import Role, TensorKey

ROWS, WIDE, UNITS, ROW, UNIT = 6, 40, 9, 2, 4
DX = TensorKey(Role.OUTPUT, "dx")


def network(params, x):
    """A layer with a relu, and the gradient of its input for a cotangent of ones."""
    h = x @ params["w"] + params["b"]
    return {"y": np.maximum(h, 0.0), "dx": np.where(h > 0, 1.0, 0.0) @ params["w"].T}


def values(seed=0, sigmas=5.0):
    """Parameters and an input; one net input is N ``sigmas`` of its own rounding from 0."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((ROWS, WIDE)).astype(np.float32)
    w = rng.standard_normal((WIDE, UNITS)).astype(np.float32)
    b = rng.standard_normal(UNITS).astype(np.float32)
    terms = x[ROW].astype(np.float64) * w[:, UNIT]
    total, squares = terms.sum(), np.square(terms).sum()
    deviation = rounding_deviation(2.0**-24) * np.sqrt(squares + sum_variance(total, squares, WIDE))
    b[UNIT] = sigmas * deviation - total
    return {"w": w, "b": b}, x


def exact_input(params, x):
    """The net inputs in float64."""
    return x.astype(np.float64) @ params["w"].astype(np.float64) + params["b"]


@dataclass(frozen=True)
class Planted:
    """The reference, and the gradient of the input as it is with that gate on the other side."""

    program: Program[TensorKey]
    expected: Expected
    flip: np.ndarray
    step: np.ndarray

    def excused(self, dx):
        """The elements of a candidate's gradient that are excused, and whether the others are within."""
        got = {**self.expected.exact, DX: dx.astype(np.float32)}
        masks = flipped(self.program, dict, self.expected, got, [DX], seed=100)
        found = check_arithmetic(without(got, self.expected, masks), self.expected, {})
        return masks.get(DX, np.zeros(dx.shape, bool)), found[DX].within


def of_numpy():
    params, x = values()
    return NumpySubject.from_function(network, params).program(Question((x,)))


def of_jax():
    pytest.importorskip("jax")
    import jax
    import jax.numpy as jnp

    from samestep.agreement.arithmetic.jaxpr.program import JaxProgram

    params, x = values()

    def named(params, x):
        y, backward = jax.vjp(lambda x: jax.nn.relu(x @ params["w"] + params["b"]), x)
        return {TensorKey(Role.OUTPUT, "y"): y, DX: backward(jnp.ones_like(y))[0]}

    return JaxProgram(named, (params, x))


def of_torch():
    torch = pytest.importorskip("torch")
    from samestep.agreement.arithmetic.torch.program import TorchProgram

    params, x = values()
    tensors = [torch.from_numpy(array) for array in (params["w"], params["b"], x)]

    def run():
        w, b, x = tensors
        leaf = x.clone().requires_grad_()
        y = torch.relu(leaf @ w + b)
        (dx,) = torch.autograd.grad(y.sum(), leaf)
        return {TensorKey(Role.OUTPUT, "y"): y, DX: dx}

    return TorchProgram(run, lambda: None, held=lambda: tensors)


@pytest.fixture(params=[of_numpy, of_jax, of_torch], ids=["numpy", "jax", "torch"], scope="module")
def planted(request):
    program = request.param()
    own = program.exact()
    programs = ReferencePrograms(program, program, own)
    expected = measure_expected(programs, dict, {}, 24, 0, lambda done, total: None)
    params, x = values()
    assert exact_input(params, x)[ROW, UNIT] > 0
    step = -params["w"][:, UNIT].astype(np.float64)
    flip = own[DX].copy()
    flip[ROW] += step
    return Planted(program, expected, flip, step)


def test_a_flip_is_excused(planted):
    """Plain replicas hardly see it, so it stands far beyond its limit."""
    mask, within = planted.excused(planted.flip)
    assert mask[ROW].sum() > WIDE / 2
    assert not np.delete(mask, ROW, axis=0).any()
    assert within


def test_a_fault_of_the_same_size_elsewhere_is_not(planted):
    other = planted.expected.exact[DX].copy()
    other[ROW + 1] += planted.step
    mask, within = planted.excused(other)
    assert not mask.any()
    assert not within


def test_a_faulty_element_that_is_not_where_the_flip_puts_it_is_not(planted):
    wrong = planted.flip.copy()
    wrong[ROW, 7] += planted.step[7]
    mask, within = planted.excused(wrong)
    assert mask[ROW].any()
    assert not mask[ROW, 7]
    assert not within


def test_noise_is_amplified(planted):
    y = TensorKey(Role.OUTPUT, "y")
    exact, program = planted.expected.exact[y], planted.program

    def size(level):
        errors = [program.replica(seed, level)[y] - exact for seed in range(8)]
        return float(np.sqrt(np.mean(np.square(errors))))

    assert 18 < size(Level.AMPLIFIED) / size(Level.OWN) < 26


def test_an_excused_flip_is_said():
    """A candidate that adds in another order, with an input where that decides the gate."""

    def blocked(params, x):
        h = params["b"] + sum(x[:, i : i + 1] * params["w"][i] for i in range(WIDE))
        return {"y": np.maximum(h, 0.0), "dx": np.where(h > 0, np.float32(1), np.float32(0)) @ params["w"].T}

    def flips(seed):
        params, x = values(seed, 2.2)
        opened = np.where(exact_input(params, x) > 0, 1.0, 0.0)
        dx = blocked(params, x)["dx"] - opened @ params["w"].T.astype(np.float64)
        return bool(np.abs(dx).max() > np.abs(params["w"][:, UNIT]).max() / 2)

    params, x = values(next(seed for seed in range(500) if flips(seed)), 2.2)
    sides = (samestep.Model(call, params, framework="numpy") for call in (blocked, network))
    result = samestep.compare(*sides, (x,), variants=False)
    assert result.verdict == "agree", str(result)
    assert any("hang on a gate that rounding flips" in note for note in result.coverage.notes)
