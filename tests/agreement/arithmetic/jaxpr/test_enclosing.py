"""Correct float32 code stays within its bounds in every order of summation, and with the worst library."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from jax import lax  # noqa: E402
from jax import numpy as jnp  # noqa: E402
from jax.extend import core  # noqa: E402

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS  # noqa: E402
from samestep.agreement.arithmetic.jaxpr.primitives import CALLS, ELEMENTWISE  # noqa: E402
from samestep.agreement.arithmetic.jaxpr.program import JaxProgram  # noqa: E402
from samestep.agreement.arithmetic.jaxpr.steps import kernel_of  # noqa: E402
from samestep.agreement.arithmetic.program import Contract, constant_digest  # noqa: E402
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS, unit_roundoff  # noqa: E402
from tests.agreement.arithmetic.jaxpr.primitive_cases import ROUNDS  # noqa: E402

U = unit_roundoff("float32")


def adversary(closed, arguments):
    """Float32 as badly as it is allowed: sums from the last term on, functions off by all their units."""
    values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values.update(zip(closed.jaxpr.invars, arguments, strict=True))

    def read(atom):
        return np.asarray(atom.val, atom.aval.dtype) if isinstance(atom, core.Literal) else values[atom]

    for equation in closed.jaxpr.eqns:
        name, operands = equation.primitive.name, [read(atom) for atom in equation.invars]
        if name in CALLS:
            inner = equation.params[CALLS[name]]
            inner = inner if isinstance(inner, core.ClosedJaxpr) else core.ClosedJaxpr(inner, ())
            results = adversary(inner, operands)
        else:
            results = [_badly(equation, name, operands)]
            if equation.primitive.multiple_results:
                results = results[0]
        values.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in closed.jaxpr.outvars]


def _badly(equation, name, operands):
    params = equation.params
    if name == "reduce_sum":
        x = np.moveaxis(np.asarray(operands[0]), params["axes"], range(len(params["axes"])))
        return _backwards(x.reshape(-1, *x.shape[len(params["axes"]) :]))
    if name == "dot_general" and params["dimension_numbers"] == (((1,), (0,)), ((), ())):
        a, b = map(np.asarray, operands)
        return _backwards(a.T[:, :, None] * b[:, None, :])
    if ELEMENTWISE_UNITS.get(ELEMENTWISE.get(name, "")) == LIBRARY_FUNCTION_UNITS:
        out = kernel_of(equation)(*map(np.float64, operands))
        signs = np.where(np.arange(out.size) % 2, 1, -1).reshape(out.shape)
        return (out * (1 + signs * (LIBRARY_FUNCTION_UNITS - 1) * U)).astype(np.float32)
    return equation.primitive.bind(*operands, **params)


def _backwards(terms):
    total = terms[-1].copy()
    for term in terms[-2::-1]:
        total = total + term
    return total


def norm(x, w, b):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * w + b


def attention(q, k, v):
    scores = q @ k.T / np.sqrt(8)
    scores = jnp.where(jnp.tril(jnp.ones((6, 6), bool)), scores, -jnp.inf)
    return jax.nn.softmax(scores, -1) @ v


def convolved(x, w):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=layout)


def pooled(x):
    return lax.reduce_window(jax.nn.relu(x), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def averaged(x):
    return lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME") / 9


LAYERS = {
    "linear": (lambda x, w, b: x @ w + b, (8, 16), (16, 12), (12,)),
    "gelu": (lambda x: jax.nn.gelu(3 * x), (8, 16)),
    "exact gelu": (lambda x: jax.nn.gelu(3 * x, approximate=False), (8, 16)),
    "silu": (jax.nn.silu, (8, 16)),
    "elu": (jax.nn.elu, (8, 16)),
    "softplus": (jax.nn.softplus, (8, 16)),
    "softmax": (lambda x: jax.nn.softmax(x, -1), (8, 16)),
    "log_softmax": (lambda x: jax.nn.log_softmax(x, -1), (8, 16)),
    "layer norm": (norm, (8, 16), (16,), (16,)),
    "root mean square norm": (lambda x, w: x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w,
                              (8, 16), (16,)),
    "convolution": (convolved, (2, 9, 9, 3), (3, 3, 3, 5)),
    "max pool": (pooled, (2, 8, 8, 3)),
    "average pool": (averaged, (2, 8, 8, 3)),
    "embedding": (lambda w: w[jnp.array([[1, 2, 3], [3, 3, 0]])], (5, 7)),
    "attention": (attention, (6, 8), (6, 8), (6, 8)),
    "residual": (lambda x, w: x + jnp.tanh(x @ w) * 0.1, (8, 16), (16, 16)),
    "scan": (lambda h, w: lax.scan(lambda h, _: (jnp.tanh(h @ w), h), h, None, 5)[1], (4, 6), (6, 6)),
}  # fmt: skip


def gradients(function, cotangent):
    def run(*inputs):
        out, pull = jax.vjp(function, *inputs)
        return {"out": out, **{f"by {at}": x for at, x in enumerate(pull(cotangent))}}

    return run


def share(got, enclosed):
    """The largest error, as a share of its bound."""
    error = np.abs(np.float64(got) - enclosed.value)
    return float(np.max(np.divide(error, enclosed.bound, out=np.zeros(error.shape), where=error > 0)))


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_within_the_bounds(name):
    function, *shapes = LAYERS[name]
    inputs = arrays(*shapes)
    (cotangent,) = arrays(jax.eval_shape(function, *inputs).shape)
    run = gradients(function, cotangent)
    program = JaxProgram(run, inputs)
    bounds, exact = program.enclosed(frozenset()), program.exact()
    assert not [x.unknown for x in bounds.values() if x.unknown]
    assert all(np.array_equal(x.value, exact[key]) for key, x in bounds.items())
    runs = [run(*inputs), jax.jit(run)(*inputs)]
    if name != "scan":
        keys = list(runs[0])
        closed = jax.make_jaxpr(lambda *inputs: [run(*inputs)[key] for key in keys])(*inputs)
        runs.append(dict(zip(keys, adversary(closed, inputs), strict=True)))
    assert max(share(run[key], x) for run in runs for key, x in bounds.items()) < 1


#: Of the primitives that the rules of noise are tried on, every Nth.
EVERY = 9


@pytest.mark.parametrize("name", [*ROUNDS][::EVERY])
def test_primitives_of_all_kinds_stay_within_their_bounds_or_have_none(name):
    function, *operands = ROUNDS[name]
    run = lambda *operands: dict(enumerate(jax.tree_util.tree_leaves(function(*operands))))  # noqa: E731
    bounds, got = JaxProgram(run, operands).enclosed(frozenset()), run(*map(jnp.asarray, operands))
    assert all(x.unknown or share(got[key], x) < 1 for key, x in bounds.items())


def test_large_integers_are_rounded_where_they_become_floats():
    count = np.array([3, 2**25 + 1])
    bound = JaxProgram(lambda n: {"out": n.astype(jnp.float32)}, (count,)).enclosed(frozenset())["out"].bound
    assert 0 == bound[0] < 1 <= bound[1]


def test_another_eps_is_beyond_the_bounds():
    x, w, b = arrays((8, 16), (16,), (16,))
    bounds = JaxProgram(lambda *a: {"out": norm(*a)}, (x, w, b)).enclosed(frozenset())["out"]
    other = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * w + b
    assert share(other, bounds) > 1 > share(norm(x, w, b), bounds)


def test_a_gate_that_rounding_flips_covers_both_sides():
    x, w = np.full((1, 3), 1 / 3, np.float32), np.array([[1.0], [1.0], [-2.0]], np.float32)
    run = gradients(lambda x: jax.nn.relu(x @ w), np.ones((1, 1), np.float32))
    bounds = JaxProgram(run, (x,)).enclosed(frozenset())
    assert (bounds["by 0"].bound >= np.abs(w.T)).all()


def test_what_has_no_rule_is_named_with_its_place():
    (x,) = arrays((3, 4))
    bounds = JaxProgram(lambda x: {"out": lax.lgamma(jnp.abs(x)), "x": x}, (x,)).enclosed(frozenset())
    assert bounds["out"].unknown.startswith("lgamma at ")
    assert "test_enclosing.py" in bounds["out"].unknown
    assert bounds["x"].decided


def test_a_branch_that_rounding_may_change_has_no_bound():
    (x,) = arrays((4,))
    run = lambda x: {"out": lax.cond((x * 0.1).sum() == (0.1 * x).sum(), jnp.sin, jnp.cos, x)}  # noqa: E731
    assert JaxProgram(run, (x,)).enclosed(frozenset())["out"].unknown.startswith("cond at ")


def test_given_arrays_may_owe_a_rounding():
    (x,) = arrays((3, 4))
    program = JaxProgram(lambda x: {"out": -x}, (x,))
    assert not program.enclosed(frozenset())["out"].bound.any()
    owing = program.enclosed(frozenset({constant_digest(x)}))["out"].bound
    assert np.array_equal(owing, U * np.abs(np.float64(x)))


def test_operands_are_rounded_as_the_contract_says_and_bfloat16_has_no_bound():
    x, w = arrays((4, 32), (32, 4))
    cut = lambda a: (a.view(np.int32) & ~0x1FFF).view(np.float32)  # noqa: E731
    run = lambda x, w: {"out": x @ w, "half": x.astype(jnp.bfloat16) * 3}  # noqa: E731
    plain = JaxProgram(run, (x, w)).enclosed(frozenset())
    declared = JaxProgram(run, (x, w), Contract.TF32).enclosed(frozenset())
    got = cut(x) @ cut(w)
    assert share(got, plain["out"]) > 1 > share(got, declared["out"])
    assert "bfloat16" in plain["half"].unknown
