"""The certificate's array type: it bounds every correct computation, by not much more than it must."""

from __future__ import annotations

import copy
import importlib.util
import itertools
import math

import numpy as np
import pytest

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.arithmetic.rules import RULES, passed_on, roundings
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation
from samestep.agreement.limits import reference_share, unit_roundoff
from samestep.catalog.catalog import Catalog
from tests.made.planting import case_values, reference_of

MANY = 20_000
EXACT = np.longdouble
CATALOG = Catalog()

# Where an operation is defined, as (low, high) magnitudes of each operand, and whether it may be negative.
POSITIVE, MIDDLING, WITHIN_ONE = (1e-4, 1e4, False), (1e-3, 20, True), (1e-4, 0.9, True)
DOMAINS = {
    **dict.fromkeys(
        ("exp", "exp2", "expm1", "sinh", "cosh", "sin", "cos", "expit", "log_expit"), (MIDDLING,)
    ),
    **dict.fromkeys(("log", "log2", "log10", "sqrt"), (POSITIVE,)),
    **dict.fromkeys(("log1p", "arcsin", "arccos", "arctanh", "erfinv"), (WITHIN_ONE,)),
    **dict.fromkeys(("tanh", "erf", "erfc", "ndtr", "log_ndtr"), ((1e-3, 4, True),)),
    "arccosh": [(1.1, 1e4, False)],
    "exp10": [(1e-3, 9, True)],
    "ndtri": [(0.05, 0.9, False)],
    "power": [(1e-3, 1e3, True)],
    "logaddexp": [MIDDLING, MIDDLING],
    "logaddexp2": [MIDDLING, MIDDLING],
}
UNARY = [(1e-4, 1e4, True)]
SPECIAL = importlib.import_module("scipy.special") if importlib.util.find_spec("scipy") else None


def ufunc_named(name):
    """NumPy's ufunc, or else SciPy's; None where SciPy is not installed."""
    return getattr(np, name, None) or getattr(SPECIAL, name, None)


NOT_OF_FLOATS = ("is", "bitwise_", "logical_", "invert", "left_", "right_", "remainder", "floor_divide")
UFUNCS = [u for u in map(ufunc_named, RULES) if u and not u.__name__.startswith(NOT_OF_FLOATS)]
primitives = pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


def draw(rng, shape, dtype, low=1e-4, high=1e4, signed=True):
    """Numbers of the dtype, evenly spread over the magnitudes."""
    numbers = np.exp(rng.uniform(np.log(low), np.log(high), shape))
    return (numbers * (rng.choice([-1, 1], shape) if signed else 1)).astype(dtype)


def around(rng, held, spread):
    """A Bound that describes ``held``: its value is off by up to ``spread``, relatively."""
    value = held.astype(np.float64) * (1 + spread * rng.uniform(-1, 1, held.shape))
    room = np.abs(held.astype(np.float64) - value) * rng.uniform(1, 2, held.shape)
    return Bound((value, room), held.dtype)


def operands_of(ufunc, rng, dtype, spread):
    """What the candidate holds, and the reference's Bounds of it."""
    domains = DOMAINS.get(ufunc.__name__, UNARY * ufunc.nin)
    held = [draw(rng, MANY, dtype, *domain) for domain in domains]
    bounds = [around(rng, one, spread) for one in held]
    if ufunc is np.power:
        return [*held, 3], [*bounds, bounds[0].lift(3)]
    return held, bounds


def exactly(function, bounds):
    return in_high_precision(function, *(b.value for b in bounds))


def in_high_precision(function, *values):
    """The result in extended precision; of SciPy's functions, which have none, in float64."""
    wide = np.float64 if getattr(np, function.__name__, None) is not function else EXACT
    return function(*(v.astype(wide) if v.dtype.kind == "f" else v for v in values))


def error_over_limit(got, exact, bound):
    """The worst share of the limit that an error takes, with the limit as the harness applies it."""
    error = np.abs(np.asarray(got).astype(EXACT) - exact)
    limit = bound.bound * reference_share(bound.precision)
    assert np.isfinite(limit).all()
    return float(np.max(np.divide(error, limit, out=np.zeros_like(error), where=error > 0)))


# -- primitives ----------------------------------------------------------------------------------------


@primitives
@precisions
@pytest.mark.parametrize("spread", [0, 1e-7, 1e-3], ids=["exact", "close", "coarse"])
def test_a_correct_result_is_within_the_bound(ufunc, dtype, spread):
    held, bounds = operands_of(ufunc, np.random.default_rng(1), dtype, spread)
    assert error_over_limit(ufunc(*held), exactly(ufunc, bounds), ufunc(*bounds)) <= 1


@primitives
@precisions
def test_the_rounding_of_an_operation_is_not_bounded_too_widely(ufunc, dtype):
    """A rounding error comes near half a unit in the last place, which is u|value|/2 at least."""
    if dtype == "float64" and getattr(np, ufunc.__name__, None) is not ufunc:
        pytest.skip("SciPy has it in float64 at most, which is the exact one then")
    held, bounds = operands_of(ufunc, np.random.default_rng(2), dtype, 0)
    units = roundings(ufunc, [b.value for b in bounds])
    got, exact, bound = ufunc(*held), exactly(ufunc, bounds), ufunc(*bounds)
    if units == 0:
        assert not bound.bound.any()
        assert (got == exact).all()
    else:
        assert error_over_limit(got, exact, bound) > 1 / (2 * units * reference_share(dtype))


@primitives
def test_the_bound_handed_on_is_reached_at_an_end_of_the_intervals(ufunc):
    """Some corner of the operands' intervals moves the result by half of the bound at least."""
    rng = np.random.default_rng(3)
    # Where they are steep: the rules take |tanh'|, |sin'| and |cos'| for 1
    flat = [(1e-6, 1e-4, True)]
    domains = {**DOMAINS, "tanh": flat, "sin": flat, "cos": [(1.5, 1.6, True)]}
    domain = domains.get(ufunc.__name__, UNARY * ufunc.nin)
    values = [draw(rng, MANY, "float64", *of_one) for of_one in domain]
    bounds = [Bound((v, np.abs(v) * rng.uniform(1e-6, 1e-3, MANY)), np.dtype("float32")) for v in values]
    if ufunc is np.power:
        bounds.append(bounds[0].lift(3))
    handed_on = passed_on(ufunc, ufunc(*[b.value for b in bounds]), bounds)
    middle, moved = exactly(ufunc, bounds), np.zeros(MANY)
    for signs in itertools.product((-1, 1), repeat=len(bounds)):
        ends = [
            b.value.astype(EXACT) + sign * b.bound if b.dtype.kind == "f" else b.value
            for b, sign in zip(bounds, signs, strict=True)
        ]
        moved = np.maximum(moved, np.abs(in_high_precision(ufunc, *ends) - middle))
    assert (moved >= handed_on / 2).all()


def test_a_divisor_that_may_be_zero_bounds_nothing():
    near_zero = Bound((np.array([0.5]), np.array([0.5])), np.dtype("float32"))
    assert (1 / near_zero).bound == np.inf
    assert np.log(near_zero).bound == np.inf
    assert np.log1p(near_zero - 1).bound == np.inf


@precisions
@pytest.mark.parametrize("spread", [0, 1e-3], ids=["exact", "coarse"])
@pytest.mark.parametrize("exponent", [-1, -2, 0, 2.0, 0.5, -0.5, 1.75, np.arange(-3, 4)], ids=str)
def test_powers_of_any_exponent_are_within_the_bound(exponent, dtype, spread):
    whole = np.all(exponent == np.floor(exponent))
    rng = np.random.default_rng(11)
    held = draw(rng, (MANY, 7), dtype, 1e-2, 1e2, signed=bool(whole))
    bound = around(rng, held, spread)
    power = held.dtype.type(exponent) if np.ndim(exponent) == 0 else exponent.astype(dtype)
    assert error_over_limit(held**power, bound.value.astype(EXACT) ** exponent, bound**exponent) <= 1


def test_an_exponent_that_the_dtype_does_not_hold_is_rounded_too():
    held = draw(np.random.default_rng(12), MANY, "float32", 1e-2, 1e2, signed=False)
    bound = Bound.exact(held, held.dtype)
    got, exact = held ** np.float32(0.1), held.astype(EXACT) ** EXACT("0.1")
    assert error_over_limit(got, exact, bound**0.1) <= 1
    maybe_negative = Bound((np.array([0.1]), np.array([0.2])), held.dtype)
    assert (maybe_negative**0.3).bound == np.inf


def test_what_underflows_may_be_flushed_to_zero():
    tiny = np.float32(1e-30)
    squared = np.square(Bound.exact(tiny, np.dtype("float32")))
    assert squared.bound >= squared.value > 0


def test_a_literal_of_the_reference_is_rounded_where_the_dtype_cannot_hold_it():
    one = Bound.exact(np.float64(1), np.dtype("float32"))
    assert one.lift(0.1).bound >= abs(float(np.float32(0.1)) - 0.1)
    assert one.lift(0.5).bound == 0
    assert one.lift(3).bound == 0


# -- sums and products ---------------------------------------------------------------------------------


def in_every_order(terms):
    """The sum over the last axis of numbers of one dtype: forwards, backwards, pairwise, in blocks."""
    yield np.cumsum(terms, axis=-1, dtype=terms.dtype)[..., -1]
    yield np.cumsum(terms[..., ::-1], axis=-1, dtype=terms.dtype)[..., -1]
    yield terms.sum(axis=-1)
    yield sum(np.cumsum(terms[..., k::4], axis=-1, dtype=terms.dtype)[..., -1] for k in range(4))


@precisions
@pytest.mark.parametrize("terms", [4, 30, 1000])
@pytest.mark.parametrize("spread", [0, 1e-4], ids=["exact", "coarse"])
def test_a_matrix_product_is_within_the_bound_in_every_order(dtype, terms, spread):
    rng = np.random.default_rng(4)
    a, b = draw(rng, (6, terms), dtype), draw(rng, (terms, 5), dtype)
    bound_a, bound_b = around(rng, a, spread), around(rng, b, spread)
    exact, bound = bound_a.value.astype(EXACT) @ bound_b.value.astype(EXACT), bound_a @ bound_b
    products = a[:, None, :] * b.T[None, :, :]
    for got in (a @ b, a.dot(b), *in_every_order(products)):
        assert error_over_limit(got, exact, bound) <= 1
    assert (bound.bound == bound_a.dot(bound_b).bound).all()
    assert (bound.bound == np.dot(bound_a, bound_b).bound).all()


@precisions
@pytest.mark.parametrize("spread", [0, 1e-4], ids=["exact", "coarse"])
def test_sums_and_means_are_within_the_bound_in_every_order(dtype, spread):
    rng = np.random.default_rng(5)
    held = draw(rng, (50, 400), dtype)
    bound = around(rng, held, spread)
    exact = bound.value.astype(EXACT)
    for got in in_every_order(held):
        assert error_over_limit(got, exact.sum(axis=1), bound.sum(axis=1)) <= 1
        mean = got / held.dtype.type(held.shape[1])
        assert error_over_limit(mean, exact.mean(axis=1), np.mean(bound, axis=1)) <= 1
    assert error_over_limit(held.sum(), exact.sum(), np.sum(bound)) <= 1
    assert bound.sum(axis=1, keepdims=True).shape == (50, 1)


@precisions
def test_the_bound_of_a_sum_can_be_reached(dtype):
    """1 + u + u + ... is 1 in the dtype when it is added up from the left, so n - 1 terms are lost."""
    n, u = 1000, unit_roundoff(dtype)
    terms = np.array([1] + [u] * (n - 1), dtype=dtype)
    bound = Bound.exact(terms, np.dtype(dtype))
    lost = float(bound.value.astype(EXACT).sum() - np.cumsum(terms)[-1])
    ones = bound.lift(np.ones(n))
    assert bound.sum().bound / 2 < lost <= bound.sum().bound
    assert (bound @ ones).bound / 2 < lost <= (bound @ ones).bound


@precisions
def test_the_largest_moves_no_further_than_any(dtype):
    rng = np.random.default_rng(6)
    held = draw(rng, (500, 9), dtype, 1, 2)
    bound = around(rng, held, 1e-1)
    for axis in (0, 1):
        exact = bound.value.astype(EXACT).max(axis=axis)
        assert error_over_limit(held.max(axis=axis), exact, np.max(bound, axis=axis)) <= 1
    assert (bound.max().bound == bound.bound.max()).all()


@precisions
@pytest.mark.parametrize("ddof", [0, 1])
def test_a_standard_deviation_is_within_the_bound_as_everybody_computes_it(dtype, ddof):
    rng = np.random.default_rng(9)
    held = draw(rng, (50, 40), dtype, 1, 10)
    bound = around(rng, held, 0)
    exact = bound.value.astype(EXACT).std(axis=1, ddof=ddof)
    assert error_over_limit(held.std(axis=1, ddof=ddof), exact, np.std(bound, axis=1, ddof=ddof)) <= 1
    mean = m2 = np.zeros(50, dtype)  # one pass, as Welford has it
    for k, column in enumerate(held.T, start=1):
        before, mean = mean, mean + (column - mean) / held.dtype.type(k)
        m2 = m2 + (column - before) * (column - mean)
    assert error_over_limit(np.sqrt(m2 / held.dtype.type(40 - ddof)), exact, bound.std(1, ddof=ddof)) <= 1
    other = held.std(axis=1, ddof=1 - ddof)  # the other divisor is no rounding
    assert error_over_limit(other, exact, bound.std(1, ddof=ddof)) > 1000


# -- decisions -----------------------------------------------------------------------------------------


def test_an_undecided_comparison_is_bounded_by_both_outcomes():
    h = Bound((np.array([0.5, -0.5, 0.5, -0.5]), np.array([0.1, 0.1, 0.6, 0.6])), np.dtype("float32"))
    gate = h > 0
    assert gate.value.tolist() == [True, False, True, False]
    assert gate.bound.tolist() == [0, 0, 1, 1]
    a, b = Bound.exact(np.full(4, 8.0), h.precision), Bound.exact(np.full(4, 3.0), h.precision)
    chosen = np.where(gate, a, b)
    assert chosen.value.tolist() == [8, 3, 8, 3]
    assert chosen.bound.tolist() == [0, 0, 5, 5]


@pytest.mark.parametrize("gated", ["where", "product", "complement", "counted"])
@precisions
def test_a_gate_within_its_bound_may_go_either_way(gated, dtype):
    rng = np.random.default_rng(7)
    held, passed = draw(rng, MANY, dtype, 1e-3, 1), draw(rng, MANY, dtype)
    h, grad = around(rng, held, 3), Bound.exact(passed, np.dtype(dtype))
    assert ((held > 0) != (h.value > 0)).any()
    formulas = {
        "where": lambda h, grad: np.where(h > 0, grad, 0),
        "product": lambda h, grad: grad * (h > 0),
        "complement": lambda h, grad: grad * (1 - (h <= 0)),
        "counted": lambda h, _: (h > 0).sum() * 1.0,
    }
    formula = formulas[gated]
    got, bound = formula(held, passed), formula(h, grad)
    assert error_over_limit(got, formula(h.value, passed.astype(EXACT)), bound) <= 1


def test_comparing_exact_numbers_is_exact():
    labels = Bound.exact(np.array([3, 1, 2]), np.dtype("float32"))
    hits = labels == np.array([3, 0, 2])
    assert hits.value.tolist() == [True, False, True]
    assert not hits.bound.any()


def test_the_place_of_the_largest_is_doubted_where_another_could_be_it():
    logits = Bound((np.array([[1.0, 5.0, 4.9], [1.0, 5.0, 4.0]]), np.full((2, 3), 0.1)), np.dtype("float32"))
    place = logits.argmax(axis=1)
    assert place.value.tolist() == [1, 1]
    assert (place.bound > 0).tolist() == [True, False]
    assert ((place == np.array([2, 2])).bound > 0).tolist() == [True, False]
    assert ((place + 1).bound > 0).tolist() == [True, False]


def test_a_cast_goes_as_far_as_the_ends_of_the_interval():
    h = Bound((np.array([2.5, 2.5, -0.5, 3.0]), np.array([0.0, 0.6, 0.25, 0.1])), np.dtype("float32"))
    whole = h.astype(np.int32)
    assert whole.value.tolist() == [2, 2, 0, 3]
    assert whole.bound.tolist() == [0, 1, 0, 1]
    opened = (h > 2.75).astype(int)
    assert opened.value.tolist() == [0, 0, 0, 1]
    assert (opened.bound > 0).tolist() == [False, True, False, False]
    assert (whole.astype(float).bound == whole.bound).all()


@precisions
def test_half_precision_of_what_is_known_is_known(dtype):
    rng = np.random.default_rng(10)
    held = draw(rng, MANY, dtype, 1e-2, 1e3)
    exact = Bound.exact(held, np.dtype(dtype)).astype(np.float16)
    assert (exact.value == held.astype(np.float16)).all()
    assert not exact.bound.any()
    near = around(rng, held, 1e-3)
    assert error_over_limit(held.astype(np.float16), near.value.astype(np.float16), near.astype("f2")) <= 1


def test_an_undecided_place_is_no_index():
    logits = Bound((np.array([5.0, 4.9]), np.array([0.1, 0.1])), np.dtype("float32"))
    with pytest.raises(UnknownOperation, match="undecided"):
        logits[logits.argmax()]


# -- structure: a bound goes where its value goes ------------------------------------------------------

MOVES = {
    "index": lambda a: a[1],
    "slice": lambda a: a[1:, ::2],
    "rows": lambda a: a[np.array([2, 0])],
    "pairs": lambda a: a[np.arange(3), np.array([3, 0, 1])],
    "new axis": lambda a: a[:, None],
    "T": lambda a: a.T,
    "transpose": lambda a: np.transpose(a),
    "reshape": lambda a: a.reshape(2, 6),
    "np.reshape": lambda a: np.reshape(a, (6, 2)),
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "broadcast_to": lambda a: np.broadcast_to(a, (2, 3, 4)),
    "squeeze": lambda a: a[:, :1].squeeze(1),
    "copy": lambda a: a.copy(),
    "deepcopy": copy.deepcopy,
    "stack": lambda a: np.stack([a, a], axis=1),
    "concatenate": lambda a: np.concatenate([a, a], axis=1),
    "iterate": lambda a: np.stack(list(a)[::-1]),
    "astype": lambda a: a.astype(a.dtype),
}


@pytest.fixture
def bound() -> Bound:
    rng = np.random.default_rng(8)
    return Bound((rng.standard_normal((3, 4)), rng.random((3, 4))), np.dtype("float32"))


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_bound_moves_with_its_value(move, bound):
    moved = move(bound)
    assert (moved.value == move(bound.value)).all()
    assert (moved.bound == move(bound.bound)).all()


def test_assignment_takes_the_bound_along(bound):
    other = Bound((np.full(4, 2.0), np.full(4, 0.25)), bound.precision)
    bound[1] = other
    assert (bound.value[1] == 2).all()
    assert (bound.bound[1] == 0.25).all()
    bound[np.arange(3), np.array([0, 1, 2])] -= 1
    assert (bound.bound[np.arange(3), np.arange(3)] > 0).all()


@pytest.mark.parametrize(
    "start", [np.zeros_like, lambda a: a.lift(np.zeros(a.shape))], ids=["zeros_like", "array"]
)
def test_an_update_in_place_reaches_the_bound(start, bound):
    total = same = start(bound)
    total += bound
    assert total is same
    assert (total.bound >= bound.bound).all()


def test_an_update_through_a_view_reaches_the_bound_of_the_whole(bound):
    whole = Bound.exact(np.zeros((3, 4)), bound.precision)
    row = whole[0]
    row += bound[0]
    assert (whole.value[0] == bound.value[0]).all()
    assert (whole.bound[0] >= bound.bound[0]).all()


@pytest.mark.parametrize("derived", [lambda a: a.astype(a.dtype), lambda a: +a, lambda a: -a, np.abs])
def test_what_was_computed_from_an_array_does_not_share_its_bound(derived, bound):
    before = bound.bound.copy()
    other = derived(bound)
    other *= 0
    assert (bound.bound == before).all()


UNKNOWN = {
    r"np\.cumprod": np.cumprod,
    r"np\.median; use np\.sort": np.median,
    r"np\.einsum\('ij,ij,ij'\) of more than two arrays": lambda a: np.einsum("ij,ij,ij", a, a, a),
    r"np\.linalg\.norm with ord='nuc'": lambda a: np.linalg.norm(a, "nuc"),
    r"np\.linalg\.inv": np.linalg.inv,
    r"np\.fft\.fft": np.fft.fft,
    r"np\.tan; use np\.sin": np.tan,
    r"np\.remainder; use x - n": lambda a: a % 0.5,
    r"np\.multiply\.accumulate": np.multiply.accumulate,
    r"np\.maximum\.at": lambda a: np.maximum.at(a, 0, 1),
    r"np\.add\.reduceat": lambda a: np.add.reduceat(a, [0, 2]),
    r"np\.add\.at on a plain buffer": lambda a: np.add.at(np.zeros((3, 4)), 0, a[0]),
    r"np\.exp with where= and without out=; use np\.where": lambda a: np.exp(a, where=a.value > 0),
    r"np\.exp into a plain buffer": lambda a: np.exp(a, out=np.empty(a.shape)),
    r"np\.matmul into a plain buffer": lambda a: np.matmul(a, a.T, out=np.empty((3, 3))),
    r"np\.add into a plain buffer": lambda a: np.ones(a.shape).__iadd__(a),
    r"astype\(complex64\)": lambda a: a.astype("complex64"),
    r"a computed mask; use np\.where": lambda a: a[a > 0],
    r"np\.argsort of a computed value": np.argsort,
    r"float\(\)": lambda a: float(a[0, 0]),
    r"math.exp|float\(\)": lambda a: math.exp(a[0, 0]),
    r"int\(\)": lambda a: int(a[0, 0]),
    r"an index": lambda a: [1, 2][a[0, 0]],
    r"Python decision": lambda a: bool(a[0, 0] > 0),
    r"Python decision on": lambda a: max(a[0, 0], 0),
    r"a plain array": np.asarray,
    r"conversion to a plain array": lambda a: np.array([a[0], a[1]]),
    r"to a plain array": lambda a: np.zeros((3, 4)).__setitem__(slice(None), a),
    r"x\.tolist; use the array itself": lambda a: a.tolist(),
}


@pytest.mark.parametrize(("name", "operation"), UNKNOWN.items(), ids=UNKNOWN)
def test_what_is_not_known_raises_by_name(name, operation, bound):
    with pytest.raises(UnknownOperation, match=name):
        operation(bound)


def test_a_plain_buffer_takes_no_element(bound):
    losses = np.zeros(3)
    with pytest.raises(ValueError, match="setting an array element") as raised:
        losses[0] = bound[0, 0]
    assert isinstance(raised.value.__cause__, UnknownOperation)


@pytest.mark.parametrize("name", ["item", "tolist", "partition", "sort", "astyp"])
def test_a_method_that_is_not_known_is_missed(name, bound):
    with pytest.raises(AttributeError, match=name):
        getattr(bound, name)


# -- the references ------------------------------------------------------------------------------------

LEAVES = [
    (workload, case, function)
    for workload in CATALOG.workloads
    for case, about in CATALOG.spec(workload).cases.items()
    if about.default and CATALOG.spec(workload).trains
    for function in (*CATALOG.spec(workload).tasks, "trace")
]
UNTRAINED = [
    (workload, case, task)
    for workload in CATALOG.workloads
    for case, about in CATALOG.spec(workload).cases.items()
    if about.default and not CATALOG.spec(workload).trains
    for task in CATALOG.spec(workload).tasks
]


@pytest.mark.parametrize(("workload", "case", "function"), LEAVES)
def test_every_reference_runs_unchanged_and_all_it_computes_carries_a_bound(workload, case, function):
    point = case_values(CATALOG, workload, case, "float32", steps=2)
    leaves = reference_of(CATALOG, workload, "float32").bounds(function, point).all
    computed = {  # the gradient of a layer that is not used is 0, and nothing rounds that
        name: leaf for name, leaf in leaves.items() if leaf.dtype.kind == "f" and leaf.value.any()
    }
    bare = [name for name, leaf in computed.items() if not leaf.bound.any()]
    assert computed
    assert not bare


@pytest.mark.parametrize(("workload", "case", "task"), UNTRAINED)
def test_what_nothing_rounds_still_hands_on_the_bounds_of_its_inputs(workload, case, task):
    """Far bounds: what comes out without one is a constant, and loses none."""
    point, precision = case_values(CATALOG, workload, case, "float32"), np.dtype("float32")
    reference = reference_of(CATALOG, workload, "float32")
    far = reference._run(
        task, point, lambda v: Bound((v.astype(float), np.full(v.shape, 0.6)), precision), float
    )
    other = point.__class__({}, {name: a + 1 for name, a in point.arrays.items()}, point.numbers)
    here, there = reference.exact(task, point).outputs, reference.exact(task, other).outputs
    for name, leaf in far.outputs.items():
        constant = np.array_equal(here[name], there[name])
        assert constant if not isinstance(leaf, Bound) else leaf.bound.any(), name


# -- optimisers ----------------------------------------------------------------------------------------


def momentum(w, v, g, n):
    v = n["momentum"] * v + g
    return w - n["rate"] * v, v


def adam(w, m, v, g, n):
    m = n["beta1"] * m + (1 - n["beta1"]) * g
    v = n["beta2"] * v + (1 - n["beta2"]) * g * g
    m_hat, v_hat = m / (1 - n["beta1"] ** 3), v / (1 - n["beta2"] ** 3)
    return w - n["rate"] * m_hat / (np.sqrt(v_hat) + n["eps"]), m, v


NUMBERS = {"rate": 1e-2, "momentum": 0.9, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


@pytest.mark.parametrize("numbers", [float, np.float32], ids=["numbers in float64", "numbers in float32"])
@pytest.mark.parametrize("step", [momentum, adam])
def test_correct_updates_are_within_the_bound_ten_million_times(step, numbers):
    rng, precision = np.random.default_rng(9), np.dtype("float32")
    held = {name: numbers(number) for name, number in NUMBERS.items()}
    bounded = {name: Bound.rounded(number, precision) for name, number in NUMBERS.items()}
    count = 3 if step is momentum else 4
    for _ in range(5):
        scale = 10.0 ** rng.uniform(-6, 0, (count, 500_000))
        values = [(row * rng.standard_normal(500_000)).astype(np.float32) for row in scale]
        if step is adam:
            values[2] = np.abs(values[2])
        expected = step(*[Bound.exact(value, precision) for value in values], bounded)
        for got, limit in zip(step(*values, held), expected, strict=True):
            assert got.dtype == np.float32
            assert (np.abs(got - limit.value) <= limit.bound).all()
