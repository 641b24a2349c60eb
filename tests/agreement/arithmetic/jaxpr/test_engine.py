"""Control flow, transformations, numbers and refusals of the JAX engine."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

import jax
import jax.numpy as jnp
from jax import lax

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from samestep.agreement.arithmetic.jaxpr.tags import tag
from samestep.agreement.arithmetic.program import Contract, Level, Literal, Nudge, Refused
from samestep.agreement.limits import NORM
from tests.agreement.arithmetic.jaxpr.judge import assert_honest, real, seen, sigma_of

RNG = np.random.default_rng(5)
X = RNG.standard_normal((20, 30)).astype(np.float32)
W = RNG.standard_normal((30, 30)).astype(np.float32) / 6


def program(function, *args, **how):
    """The program of a function with any tree of results, and its real float32 results."""

    def named(*xs):
        return dict(enumerate(jax.tree_util.tree_leaves(function(*xs))))

    return JaxProgram(named, args, **how), real(named, *args)


def newton(x):
    """A square root by iteration, to a decision on what rounds."""
    done = lambda s: jnp.any(jnp.abs(s * s - x) > x / 1000)  # noqa: E731
    return lax.while_loop(done, lambda s: (s + x / s) / 2, jnp.ones_like(x))


@jax.custom_vjp
def clipped(x):
    return x * 2


clipped.defvjp(lambda x: (x * 2, x), lambda x, g: (jnp.clip(g, -1, 1) * 2 + x,))


@jax.custom_jvp
def softplus(x):
    return jnp.log1p(jnp.exp(x))


softplus.defjvp(lambda x, dx: (softplus(x[0]), jax.nn.sigmoid(x[0]) * dx[0]))

FLOW = {
    "scan": lambda x: lax.scan(lambda c, r: (jnp.tanh(c @ W + r), c), jnp.zeros(30), x),
    "scan backwards": lambda x: lax.scan(lambda c, r: (c * r, c), jnp.ones(30), x / 2 + 1, reverse=True),
    "scan of nothing": lambda x: (lax.scan(lambda c, r: (c, c), x[0] * x[1], x[:0])[1], x * x),
    "scan in scan": lambda x: lax.scan(
        lambda c, r: (lax.scan(lambda d, s: (d * s, d), c, r + 1)[0], c), x[0, 0], x / 4)[1],
    "gradient of a scan": jax.grad(
        lambda x: lax.scan(lambda c, r: (jnp.tanh(c @ W + r), None), jnp.zeros(30), x)[0].sum()),
    "associative_scan": lambda x: lax.associative_scan(jnp.multiply, x / 2 + 1),
    "while": lambda x: newton(jnp.abs(x) + 1),
    "while by rows": jax.vmap(
        lambda r: lax.while_loop(lambda s: jnp.sum(s * s) > 9, lambda s: jnp.sin(s) * 0.9, r * 1.7)),
    "device_put": lambda x: jax.device_put((x @ W, x * 3))[0] + x[:, :1],
    "fori": lambda x: lax.fori_loop(0, 5, lambda i, s: jnp.sin(s) * i + s, x),
    "cond": lambda x: lax.cond(x[0, 0] > 0, lambda y: y @ W, lambda y: y * 3, x),
    "switch": lambda x: lax.switch(jnp.int32(x[0, 0] * 0) + 7, [jnp.sin, jnp.cos, jnp.tanh], x),
    "cond by rows": jax.vmap(lambda r: lax.cond(r[0] > 0, jnp.sin, jnp.cos, r)),
    "remat": jax.grad(lambda x: jnp.sum(jax.checkpoint(lambda y: jnp.sin(jnp.tanh(y @ W)))(x))),
    "custom_vjp": jax.grad(lambda x: jnp.sum(jnp.sin(clipped(x)))),
    "custom_jvp": jax.grad(lambda x: jnp.sum(softplus(x * x))),
    "nested jit": lambda x: jax.jit(lambda y: jax.jit(jnp.sin)(y) @ W)(x),
    "hessian": lambda x: jax.hessian(lambda r: jnp.sum(jnp.tanh(r @ W) ** 2))(x[0]),
    "forward over reverse": lambda x: jax.jvp(jax.grad(lambda y: jnp.sum(jnp.tanh(y) ** 3)), (x,), (x,))[1],
    "vmap": jax.vmap(jax.grad(lambda r: jnp.sum(jnp.sin(r) ** 3))),
    "map": lambda x: lax.map(lambda r: jax.nn.softmax(r) @ W, x),
    "tags": jax.grad(lambda x: jnp.sum(tag(jnp.tanh(tag(x @ W, "a")), "b") ** 2)),
    "optimization_barrier": lambda x: lax.optimization_barrier((x @ W, x))[0],
    "random": lambda x: x * jax.random.normal(jax.random.key(3), x.shape) + jax.random.uniform(
        jax.random.key(4), x.shape),
    "categorical": lambda x: (jax.random.categorical(jax.random.key(3), x), x * x),
    "permutation": lambda x: x[jax.random.permutation(jax.random.PRNGKey(3), 20)] * 1.7,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FLOW))
def test_real_float32_is_within_the_limits(name):
    assert_honest(*program(FLOW[name], X))


def test_dropout_takes_the_key_that_is_given():
    def drop(x, key):
        kept = jax.random.bernoulli(key, 0.9, x.shape)
        return jnp.where(kept, x @ W / 0.9, 0)

    for key in (jax.random.key(8), jax.random.PRNGKey(8)):
        mine, got = program(drop, X, key)
        assert_honest(mine, got)
        assert np.array_equal(mine.exact()[0] == 0, got[0] == 0)
        assert {finding.kind for finding in mine.findings} == {"random"}
    other, _ = program(drop, X, jax.random.key(9))
    assert not np.array_equal(other.exact()[0] == 0, got[0] == 0)


def test_shard_map_on_one_device():
    mesh = jax.make_mesh((1,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    shard_map = getattr(jax, "shard_map", None) or pytest.importorskip("jax.experimental.shard_map").shard_map
    spec = jax.sharding.PartitionSpec("x")
    whole = jax.sharding.PartitionSpec()
    function = shard_map(lambda x: lax.psum(x @ W, "x"), mesh=mesh, in_specs=spec, out_specs=whole)
    assert_honest(*program(function, X))


def test_a_reshape_that_puts_axes_into_another_order():
    """As the gradient of a convolution in groups has it."""
    mine, got = program(lambda x: lax.reshape(x * x, (30, 20), dimensions=(1, 0)), X)
    assert_honest(mine, got)
    grouped = {"window_strides": (1,), "padding": "VALID", "feature_group_count": 2}

    def product(x, w):
        return lax.conv_general_dilated(x, w, dimension_numbers=("NHC", "HIO", "NHC"), **grouped)

    x, w = (
        RNG.standard_normal((2, 9, 4)).astype(np.float32),
        RNG.standard_normal((3, 2, 6)).astype(np.float32),
    )
    assert_honest(*program(lambda x, w: jax.vjp(product, x, w)[1](jnp.ones((2, 7, 6)) * x[:, :7, :1]), x, w))


def test_collectives_over_a_mapped_axis_reduce_it():
    def row(x):
        y = x * x
        return lax.psum(y, "r"), lax.pmean(y, "r"), lax.pmax(y, "r"), lax.pmin(y, "r"), lax.all_gather(x, "r")

    mine, got = program(jax.vmap(row, axis_name="r"), X)
    assert_honest(mine, got)
    squares = np.square(X.astype(np.float64))
    exact = mine.exact()
    assert np.array_equal(exact[0][3], squares.sum(0))
    assert np.array_equal(exact[2][3], squares.max(0))
    assert np.array_equal(exact[3][3], squares.min(0))
    assert mine.terms[0] == 20


def test_a_loop_that_ends_on_a_number_that_rounds_is_a_finding():
    """1 + 2^-24 decides: some replicas go on, the exact run and others do not."""

    def function(x):
        x = x * np.float32(1.7)  # rounds
        limit = np.float32(x0) * np.float64(np.float32(1.7))
        return lax.while_loop(lambda s: s[0] <= limit, lambda s: (s[0] * 1.25, s[1] + 1), (x, 0))

    x0 = 1.1
    mine, _ = program(function, np.float32(x0))
    for seed in range(8):
        mine.replica(seed)
    (finding,) = {f for f in mine.findings if "while" in f.text}
    assert finding.kind == "decides"
    assert "test_engine.py" in finding.place


def test_another_branch_is_a_finding():
    def function(x):
        y = jnp.sum(x) - jnp.sum(x[::-1])
        return lax.cond(y > 0, lambda v: v * 1.5, lambda v: v * 3.5, x[:4])

    mine, _ = program(function, X[0])
    runs = {float(mine.replica(seed)[0][0] / X[0, 0]) > 2 for seed in range(16)}
    assert runs == {True, False}
    assert {f.kind for f in mine.findings} == {"decides"}


def test_conversions_to_integers_replay_the_exact_run():
    """log2 of a power of two sits on an integer: a replica's floor may fall below it."""
    mine, _ = program(lambda x: jnp.floor(jnp.log2(x)).astype(jnp.int32), np.float32([2, 8, 64, 1024]))
    exact = mine.exact()[0]
    assert all(np.array_equal(mine.replica(seed)[0], exact) for seed in range(16))
    assert {f.kind for f in mine.findings} == {"decides"}


# -- numbers -------------------------------------------------------------------------------------------


def test_a_literal_is_nudged_at_all_its_sites_together():
    odd, u = np.float32(0.3333212), 2.0**-24

    mine, _ = program(lambda x: (x * odd + odd, jnp.sum(x) * 0.5, x + 0.1, x * np.float32(1 / 3)), X)
    exact = mine.exact()
    assert mine.literals == [Literal(float(odd), u)]
    moved, nudged = mine.exact(Nudge(literal=mine.literals[0])), float(odd) * (1 + u)
    assert np.array_equal(moved[0], X.astype(np.float64) * nudged + nudged)
    assert all(np.array_equal(moved[key], exact[key]) for key in (1, 2))
    assert np.array_equal(exact[2], X.astype(np.float64) + 0.1)  # read back as its shortest decimal
    assert np.array_equal(exact[3], X.astype(np.float64) * (1 / 3))  # and a third as what it is


def test_a_literal_in_bfloat16_owes_a_rounding_unless_it_is_very_short():
    """2 / sqrt(pi) is 1.125 there, and 1e-5 has other neighbours than the decimals of six digits."""
    factor, eps = 2 / float(np.sqrt(np.pi)), 1e-5
    half = jnp.asarray(X, jnp.bfloat16)
    mine, _ = program(lambda x: x * factor * 0.5 * 1.5 + eps, half)
    exact = mine.exact()[0]
    held = [float(jnp.bfloat16(number)) for number in (factor, eps)]
    assert mine.literals == [Literal(number, 2.0**-8) for number in held]
    assert np.array_equal(exact, np.asarray(half, np.float64) * held[0] * 0.75 + held[1])


def test_a_nudge_before_the_first_exact_run():
    mine, _ = program(lambda x: x * np.float32(0.3333212), X)
    literal = Literal(float(np.float32(0.3333212)), 2.0**-24)
    assert not np.array_equal(mine.exact(Nudge(literal=literal))[0], mine.exact()[0])


def test_captured_constants_are_nudged_by_signs_where_they_are_not_shared():
    table = jnp.asarray(np.sin(np.arange(30, dtype=np.float32)))
    mine, got = program(lambda x: x * table, X)
    exact = mine.exact()[0]
    (digest,) = mine.constants
    moved = mine.exact(Nudge(constants=3))[0]
    assert np.array_equal(moved, mine.exact(Nudge(constants=3))[0])
    assert not np.array_equal(moved, mine.exact(Nudge(constants=4))[0])
    with np.errstate(invalid="ignore"):
        steps = np.abs(moved / exact - 1)[:, 1:] * 2**24
    assert np.array_equal(np.rint(steps), np.ones_like(steps))
    assert np.array_equal(mine.exact(Nudge(constants=3, shared=frozenset({digest})))[0], exact)
    shared, _ = program(lambda x: x * table, X, shared=frozenset({digest}))
    assert sigma_of(shared)[0].mean() < sigma_of(mine)[0].mean()
    assert_honest(mine, got)
    assert_honest(shared, got)


def test_short_numbers_owe_nothing():
    mine, _ = program(lambda x: jnp.where(x > 0, x * 0.5 + 1024, jnp.finfo(jnp.float32).min), X)
    mine.exact()
    assert not mine.literals
    assert not mine.constants


def test_an_absorbed_addend_does_not_round():
    mask = np.where(X > 0, 0, np.finfo(np.float32).min).astype(np.float32)
    mine, _ = program(lambda x, m: x * 1.25 + m, X, mask)
    sigma = sigma_of(mine)[0]
    assert not np.any(sigma[X <= 0] > np.abs(X[X <= 0]))
    zero, _ = program(lambda x: x * 1.5 + jnp.zeros(30), np.float32(np.round(X * 64) / 64))
    assert not sigma_of(zero)[0].any()


def test_infinities_and_nan_stay():
    mine, _ = program(lambda x: jnp.stack([x * -jnp.inf, x * jnp.nan, x * 1.7]), np.float32([1.1, -2.3]))
    assert np.array_equal(mine.replica(0)[0][:2], [[-np.inf, np.inf], [np.nan, np.nan]], equal_nan=True)


def test_equal_values_round_alike():
    pixels = RNG.integers(0, 256, (60, 60)).astype(np.float32)
    mine, got = program(lambda x: (x / 255 * 1.7, (x / 255).sum(0)), pixels)
    run = mine.replica(0)[0]
    assert len(np.unique(run)) == len(np.unique(pixels))
    assert_honest(mine, got)


def test_equal_terms_of_a_sum_round_coherently():
    """A gradient after global average pooling is constant over space."""
    rows = np.repeat(RNG.standard_normal((600, 1)).astype(np.float32), 400, 1)
    mine, got = program(lambda x: jnp.sum(x * 1.1, 1), rows)
    assert_honest(mine, got)
    unequal, _ = program(lambda x: jnp.sum(x * 1.1, 1), rows + RNG.standard_normal(rows.shape) / 2**10)
    assert sigma_of(mine)[0].mean() > 4 * sigma_of(unequal)[0].mean()


# -- dtypes and contracts ------------------------------------------------------------------------------


def test_each_result_has_its_own_dtypes_roundoff():
    def function(x):
        half = x.astype(jnp.bfloat16)
        return half @ half.T, (half * half).astype(jnp.float32).sum(0), half.astype(jnp.float16)

    mine, got = program(function, X)
    assert_honest(mine, got)
    assert not mine.uniform
    own, double = mine.replica(0), mine.replica(0, Level.DOUBLE)
    exact = mine.exact()
    assert np.abs(own[0] - exact[0]).mean() > 2**10 * np.abs(double[0] - exact[0]).mean()


def test_a_product_that_accumulates_wider():
    def function(x):
        half = x.astype(jnp.bfloat16)
        return lax.dot_general(half, half, (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32)

    assert_honest(*program(function, X))


@pytest.mark.parametrize("contract", [Contract.TF32, Contract.BFLOAT16, Contract.FLOAT16])
def test_a_contract_rounds_the_operands_of_products(contract):
    mine, _ = program(lambda x, w: jnp.tanh(x @ w), X, W, contract=contract)
    plain, _ = program(lambda x, w: jnp.tanh(x @ w), X, W)
    bits = {Contract.TF32: 11, Contract.BFLOAT16: 8, Contract.FLOAT16: 11}[contract]
    scale = 2.0**bits

    def rounded(a):
        mantissa, exponent = np.frexp(a.astype(np.float64))
        return np.ldexp(np.rint(mantissa * scale) / scale, exponent)

    product = rounded(X) @ rounded(W)
    real = np.tanh(rounded(product) if contract is not Contract.TF32 else product)
    assert_honest(mine, {0: real})
    assert seen(plain, {0: real})[0].norm > NORM
    assert not mine.uniform
    assert plain.uniform
    assert np.array_equal(mine.exact()[0], plain.exact()[0])


def test_what_comes_from_a_float64_array_is_rounded_first():
    """As JAX does with x64 off."""
    wide = RNG.standard_normal(9)
    mine, _ = program(lambda x: x * 1, wide)
    assert np.array_equal(mine.exact()[0], wide.astype(np.float32).astype(np.float64))


def test_terms_are_the_longest_sum():
    mine, _ = program(lambda x: (x * 2.5, jnp.sum(x), (x @ W).sum(0)), X)
    mine.exact()
    assert dict(mine.terms) == {0: 1, 1: 600, 2: 30}


# -- refusals ------------------------------------------------------------------------------------------

REFUSED = {
    "qr": lambda x: jnp.linalg.qr(x[:, :20])[0],
    "pure_callback": lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x),
    "bitcast_convert_type": lambda x: lax.bitcast_convert_type(x * 1.1, jnp.int32),
    "igamma": lambda x: lax.igamma(jnp.abs(x) + 1, x),
    "random_gamma": lambda x: jax.random.gamma(jax.random.key(0), jnp.abs(x)),
    "cumsum": lambda x: jnp.cumsum(lax.complex(x, x)),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_has_no_rule_is_refused_by_name_and_place(name):
    def named(x):
        return {"y": REFUSED[name](x)}

    with pytest.raises(Refused, match=rf"{name} at .*test_engine.py:\d+"):
        JaxProgram(named, (X,)).exact()


def test_the_place_of_what_jax_wraps_is_the_line_that_calls_it():
    """`jnp.linalg.qr` is jitted, and traced once: a later call has another line."""
    jax.make_jaxpr(jnp.linalg.qr)(X)
    later = lambda x: jnp.abs(jnp.linalg.qr(x)[0])  # noqa: E731
    with pytest.raises(Refused, match=rf"test_engine\.py:{later.__code__.co_firstlineno}\b"):
        program(later, X)[0].exact()


def test_a_refusal_in_a_branch_that_is_not_taken_is_none():
    mine, got = program(lambda x: lax.cond(x[0, 0] < 99, jnp.sin, lambda y: lax.igamma(y, y), X), X)
    assert_honest(mine, got)


def sequentially(terms):
    """Sums over axis 0 in a float32 loop."""
    total = np.zeros(terms.shape[1:], np.float32)
    for row in terms.astype(np.float32):
        total += row
    return total


def test_a_long_sum_loses_terms_one_way():
    """300,000 rows, x.T @ x: what a sequential float32 loop loses is many deviations of random rounding."""
    x = RNG.standard_normal((300_000, 2)).astype(np.float32)
    mine, _ = program(lambda x: (x.T @ x, jnp.sum(x * x, 0)), x)
    squares = sequentially(np.stack([x[:, 0] * x[:, 0], x[:, 1] * x[:, 1], x[:, 0] * x[:, 1]], 1))
    real = {0: squares[[0, 2, 2, 1]].reshape(2, 2), 1: squares[:2]}
    assert all(one.element < 3 for one in seen(mine, real).values())
    double = np.array([mine.replica(seed, Level.DOUBLE)[1] for seed in range(8)])
    assert np.all(np.abs(real[1] - mine.exact()[1]) > 4 * double.std(0))
