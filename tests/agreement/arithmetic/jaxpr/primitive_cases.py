"""What the rules of primitives are tried on: functions and their operands, by whether they round."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def within(low, high, *shape):
    return RNG.uniform(low, high, shape).astype(np.float32)


A, B = normal(40, 30), normal(40, 30)
POSITIVE, UNIT = within(0.1, 9, 40, 30), within(-0.99, 0.99, 40, 30)
SEQUENCE, IMAGE, SMALL = normal(50, 40), normal(2, 9, 11, 4), normal(6, 7)
FILTER = normal(3, 3, 4, 6)
INDICES, MANY = RNG.integers(0, 40, (25,)), RNG.integers(0, 5, (300,))
DIMS = ("NHWC", "HWIO", "NHWC")

#: What rounds: (function, operands), each with several hundred results.
ROUNDS = {
    "add": (lambda a, b: a + b, A, B),
    "sub": (lambda a, b: a - b, A, B),
    "mul": (lambda a, b: a * b, A, B),
    "div": (lambda a, b: a / b, A, B),
    "sqrt": (jnp.sqrt, POSITIVE),
    "rsqrt": (lax.rsqrt, POSITIVE),
    "square": (jnp.square, A),
    "integer_pow": (lambda a: a**5, A),
    "integer_pow negative": (lambda a: a**-3, POSITIVE),
    "pow": (lambda a, b: a**b, POSITIVE, B),
    "exp": (jnp.exp, A),
    "exp2": (jnp.exp2, A),
    "expm1": (jnp.expm1, A),
    "log": (jnp.log, POSITIVE),
    "log1p": (jnp.log1p, POSITIVE),
    "tanh": (jnp.tanh, A),
    "logistic": (jax.nn.sigmoid, A),
    "erf": (lax.erf, A),
    "erfc": (lax.erfc, A),
    "erf_inv": (lax.erf_inv, UNIT),
    "sin": (jnp.sin, A),
    "cos": (jnp.cos, A),
    "tan": (jnp.tan, UNIT),
    "asin": (jnp.arcsin, UNIT),
    "acos": (jnp.arccos, UNIT),
    "atan": (jnp.arctan, A),
    "atan2": (jnp.arctan2, A, B),
    "sinh": (jnp.sinh, A),
    "cosh": (jnp.cosh, A),
    "asinh": (jnp.arcsinh, A),
    "acosh": (lambda a: jnp.arccosh(a + 1), POSITIVE),
    "atanh": (jnp.arctanh, UNIT),
    "cbrt": (jnp.cbrt, A),
    "lgamma": (lax.lgamma, POSITIVE),
    "digamma": (lax.digamma, POSITIVE),
    "bessel_i0e": (lax.bessel_i0e, A),
    "bessel_i1e": (lax.bessel_i1e, A),
    "reduce_sum": (lambda a: a.sum(0), normal(60, 500)),
    "reduce_prod": (lambda a: a.prod(0), within(0.5, 1.5, 20, 500)),
    "mean": (lambda a: a.mean((0, 2)), normal(30, 500, 7)),
    "cumsum": (lambda a: jnp.cumsum(a, 1), SEQUENCE),
    "cumsum backwards": (lambda a: lax.cumsum(a, 0, reverse=True), SEQUENCE),
    "cumprod": (lambda a: jnp.cumprod(a, 0), within(0.5, 1.5, 30, 40)),
    "cumlogsumexp": (lambda a: lax.cumlogsumexp(a, 1), SEQUENCE),
    "dot": (lambda a, b: a @ b.T, A, B),
    "dot batched": (lambda a, b: jnp.einsum("bij,bkj->bik", a, b), normal(3, 20, 50), normal(3, 20, 50)),
    "ragged_dot": (lambda a, b: lax.ragged_dot(a, b, jnp.array([9, 0, 25])), A, normal(3, 30, 20)),
    "gradient of ragged_dot": (
        jax.grad(lambda b, a: jnp.sum(jnp.sin(lax.ragged_dot(a, b, jnp.array([9, 5, 26]))))),
        normal(3, 30, 20), A),
    "reduce_precision": (lambda a: lax.reduce_precision(a, 8, 7), A),
    "conv": (
        lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=DIMS), IMAGE, FILTER),
    "conv strided, dilated": (
        lambda x, w: lax.conv_general_dilated(
            x, w, (2, 1), ((2, 1), (0, 3)), rhs_dilation=(2, 1), lhs_dilation=(1, 2), dimension_numbers=DIMS),
        IMAGE, FILTER),
    "conv grouped": (
        lambda x, w: lax.conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=DIMS, feature_group_count=2), IMAGE, normal(3, 3, 2, 6)),
    "conv by batches": (
        lambda x, w: lax.conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=DIMS, batch_group_count=2), IMAGE, FILTER),
    "conv 1d transposed": (
        lambda x, w: lax.conv_transpose(x, w, (3,), "SAME", dimension_numbers=("NWC", "WIO", "NWC")),
        normal(3, 20, 5), normal(4, 5, 6)),
    "reduce_window_sum": (
        lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 2, 1, 1), "SAME"), IMAGE),
    "scatter-add": (lambda a, b: a.at[INDICES].add(b), A, normal(25, 30)),
    "scatter-add many": (lambda a, b: a.at[MANY].add(b), normal(5, 120), normal(300, 120)),
    "scatter-mul": (lambda a, b: a.at[MANY].multiply(b), normal(5, 120), within(0.9, 1.1, 300, 120)),
    "segment_sum": (lambda b: jax.ops.segment_sum(b, MANY, 5), normal(300, 120)),
    "gradient of gather": (jax.grad(lambda a: jnp.sum(jnp.sin(a[INDICES] * a[INDICES[::-1]]))), A),
    "gradient of max_pool": (
        jax.grad(lambda x: jnp.sum(jnp.sin(
            lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 1, 1, 1), "VALID")))), IMAGE),
    "softmax": (jax.nn.softmax, A),
    "logsumexp": (lambda a: jax.nn.logsumexp(a, -1), normal(500, 20)),
    "logaddexp": (jnp.logaddexp, A, B),
    "var": (lambda a: a.var(0), normal(20, 500)),
    "norm": (lambda a: jnp.linalg.norm(a, axis=0), normal(20, 500)),
    "interp": (lambda a: jnp.interp(a, jnp.linspace(-3.0, 3.0, 9), jnp.linspace(0.0, 1.0, 9) ** 2), A),
    "resize": (lambda x: jax.image.resize(x, (2, 15, 6, 4), "cubic"), IMAGE),
    "trapezoid": (lambda a: jnp.trapezoid(a, axis=0), normal(9, 500)),
    "polyval": (lambda a: jnp.polyval(jnp.array([0.3, -1.7, 2.2, 0.9]), a), A),
    "cov": (lambda a: jnp.cov(a), normal(25, 60)),
    "kron": (jnp.kron, SMALL, normal(5, 5)),
    "jvp": (lambda a, b: jax.jvp(jnp.tanh, (a,), (b,))[1], A, B),
    "int to float": (lambda i: i.astype(jnp.float32), RNG.integers(2**25, 2**30, (500,))),
    "hypot": (jnp.hypot, A, B),
    "float_power": (lambda a: jnp.float_power(a, 2.5), POSITIVE),
    "nansum": (lambda a: jnp.nansum(jnp.where(a > 1, jnp.nan, a), 0), normal(40, 500)),
    "remainder of computed": (lambda a: jnp.mod(a * 1.7, 0.9), POSITIVE),
    "max of products": (lambda a, b: jnp.maximum(a * b, b), A, B),
    "sorted products": (lambda a, b: jnp.sort(a * b, 1), A, B),
    "top_k of products": (lambda a, b: lax.top_k(a * b, 5)[0], A, B),
    "median": (lambda a, b: jnp.median(a * b, 0), normal(9, 500), normal(9, 500)),
    "reduce_max of products": (lambda a, b: jnp.max(a * b, 0), normal(9, 500), normal(9, 500)),
    "cummax of products": (lambda a, b: lax.cummax(a * b, 1), A, B),
}  # fmt: skip

#: What rounds nothing: float32 and the exact run give the same bits.
EXACT = {
    "reshape": (lambda a: a.reshape(30, 40), A),
    "transpose": (lambda a: a.T, A),
    "slice": (lambda a: a[3:30:2, ::-1], A),
    "pad": (lambda a: lax.pad(a, 1.0, ((2, -3, 1), (-1, 4, 0))), A),
    "pad negative, spread": (lambda a: lax.pad(a, 0.0, ((-3, 2, 2), (1, -5, 1))), A),
    "concatenate": (lambda a, b: jnp.concatenate([a, b], 1), A, B),
    "stack": (lambda a, b: jnp.stack([a, b], 1), A, B),
    "split": (lambda a: jnp.split(a, 3, 1)[1], A),
    "gather": (lambda a: a[INDICES], A),
    "gather pairs": (lambda a: a[INDICES, INDICES % 30], A),
    "take_along_axis": (lambda a: jnp.take_along_axis(a, jnp.argsort(a, 1), 1), A),
    "gather outside": (lambda a: a.at[INDICES + 25].get(mode="fill", fill_value=7.0), A),
    "scatter": (lambda a: a.at[INDICES].set(2.0), A),
    "scatter-max": (lambda a, b: a.at[INDICES].max(b), A, normal(25, 30)),
    "scatter-min": (lambda a, b: a.at[INDICES].min(b), A, normal(25, 30)),
    "dynamic_slice": (lambda a: lax.dynamic_slice(a, (35, 2), (10, 8)), A),
    "dynamic_update_slice": (lambda a, b: lax.dynamic_update_slice(a, b, (38, -1)), A, SMALL),
    "sort": (lambda a: jnp.sort(a, 0), A),
    "argsort": (lambda a: jnp.argsort(a, 0), A),
    "lexsort": (lambda a, b: jnp.lexsort((a[0], b[0])), A, B),
    "top_k": (lambda a: lax.top_k(a, 5)[1], A),
    "approx_max_k": (lambda a: lax.approx_max_k(a, 5)[0], A),
    "argmax": (lambda a: jnp.argmax(a, 1), A),
    "argmin": (lambda a: jnp.argmin(a, 1), A),
    "max": (jnp.maximum, A, B),
    "min": (jnp.minimum, A, B),
    "clamp": (lambda a: jnp.clip(a, -0.5, 0.75), A),
    "abs": (jnp.abs, A),
    "neg": (lambda a: -a, A),
    "sign": (jnp.sign, A),
    "floor": (jnp.floor, A),
    "ceil": (jnp.ceil, A),
    "round half even": (jnp.round, jnp.arange(-4, 4, 0.5)),
    "round half away": (lambda a: lax.round(a, lax.RoundingMethod.AWAY_FROM_ZERO), jnp.arange(-4, 4, 0.5)),
    "rem": (lambda a: lax.rem(a, np.float32(0.5)), A),
    "cummax": (lambda a: lax.cummax(a, 1, reverse=True), A),
    "cummin": (lambda a: lax.cummin(a, 0), A),
    "reduce_max": (lambda a: a.max((0,)), A),
    "reduce_and": (lambda a: (a > -1).all(0), A),
    "reduce_or": (lambda a: (a > 1).any(0), A),
    "is_finite": (jnp.isfinite, np.float32([1, np.inf, np.nan])),
    "select_n": (lambda a, b: jnp.select([a > 1, a > 0], [a, b], 3.0), A, B),
    "switch on array": (lambda a, b: lax.select_n((a > 0).astype(jnp.int32), a, b), A, B),
    "one_hot": (lambda: jax.nn.one_hot(INDICES, 40)),
    "reduce_window_max": (
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 2, 1), (1, 2, 2, 1), "SAME"), IMAGE),
    "reduce_window_min dilated": (
        lambda x: lax.reduce_window(x, jnp.inf, lax.min, (1, 2, 2, 1), (1, 1, 1, 1), "VALID",
                                    window_dilation=(1, 2, 1, 1)), IMAGE),
    "bitcast": (lambda a: lax.bitcast_convert_type(a, jnp.int32), A),
    "nextafter": (lambda a: jnp.nextafter(a, np.float32(9)), A),
    "small integers": (lambda i: i.astype(jnp.float32) * 2, RNG.integers(0, 1000, (9,))),
    "integers": (lambda i: (i // 7, i % 5, -i // 3, i * 65537, i << 3, i >> 2, i ^ 5, i**3), INDICES - 20),
    "unsigned": (lambda i: (i // 7, i % 5, i - 40, i << 31, i >> 33), INDICES.astype(np.uint32)),
    "popcount": (lambda i: (lax.population_count(i), lax.clz(i)), INDICES),
    "to int": (lambda a: (a * 4).astype(jnp.int32), A),
    "searchsorted": (lambda a: jnp.searchsorted(jnp.sort(a[0]), a[1]), A),
    "bincount": (lambda: jnp.bincount(INDICES, length=40)),
    "unique": (lambda: jnp.unique(INDICES, size=30, fill_value=0)),
    "cumsum of integers": (lambda: jnp.cumsum(INDICES)),
    "products of integers": (lambda i: i[:, None] @ i[None], INDICES),
    "tril": (jnp.tril, A),
    "roll": (lambda a: jnp.roll(a, 3, 1), A),
    "tile": (lambda a: jnp.tile(a, (2, 3)), A),
    "diag": (lambda a: jnp.diag(a[0]), A),
    "nan_to_num": (jnp.nan_to_num, np.float32([1, np.inf, np.nan])),
}  # fmt: skip
