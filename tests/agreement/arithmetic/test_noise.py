"""The statistical model, against the rounding that really happens."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.noise import Noise, NoiseTape, TF32Noise
from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation
from samestep.agreement.examination.tensor_statistics import tensor_statistics
from samestep.agreement.limits import TAIL, elementwise_limit, rounding_deviation, unit_roundoff
from samestep.agreement.reference.spread import measure_spreads
from samestep.catalog.catalog import Catalog
from tests.made.planting import case_values, reference_of

CATALOG = Catalog()
CASES = [(w, c) for w in CATALOG.workloads for c, case in CATALOG.spec(w).cases.items() if case.default]
S = rounding_deviation(unit_roundoff("float32"))

# The rms error of a sequential sum over its predicted sigma: the prediction takes the worst mantissa, and
# this is the mean over the mantissas of real data.
SEQUENTIAL = 0.7356


def noisy(value, precision="float32", kind=Noise):
    """A value in a replica: its primitives are noisy from here on."""
    return kind.exact(np.asarray(value), NoiseTape(precision))


@pytest.mark.parametrize("n", [10, 100, 1_000, 10_000, 100_000])
def test_sequential_float32_sums_err_as_predicted(n):
    rng, squares, predicted = np.random.default_rng(n), [], []
    for _ in range(50):
        terms = rng.standard_normal((max(16, 40_000 // n), n)).astype(np.float32)
        exact = terms.astype(np.float64)
        error = np.cumsum(terms, axis=1, dtype=np.float32)[:, -1] - exact.sum(axis=1)
        squares.append(np.square(error).mean())
        predicted.append(sum_variance(exact.sum(axis=1), np.square(exact).sum(axis=1), n).mean() * S**2)
    ratio = (np.mean(squares) / np.mean(predicted)) ** 0.5
    assert abs(ratio / SEQUENTIAL - 1) < 1 / 10


def test_products_stay_below_the_tail_law():
    rng, ratios = np.random.default_rng(3), []
    for _ in range(20):
        a, b = (rng.standard_normal((200, 200)).astype(np.float32) for _ in range(2))
        wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
        exact, squares = wide_a @ wide_b, np.square(wide_a) @ np.square(wide_b)
        sigma = S * np.sqrt(squares + sum_variance(exact, squares, 200))
        ratios.append(np.abs(a @ b - exact) / sigma)
    errors = np.concatenate([r.ravel() for r in ratios])
    for t in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert (errors > t).mean() <= np.exp(-TAIL * t)


def test_the_limit_grows_where_sigma_is_known_less_well():
    assert round(elementwise_limit(100), 1) == 21.8
    assert round(elementwise_limit(24), 1) == 34.0
    assert elementwise_limit(100_000) < 20


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("workload", "case"), CASES)
def test_every_reference_comes_out_noisy_in_every_value(workload, case, dtype):
    reference = reference_of(CATALOG, workload, dtype)
    point = case_values(CATALOG, workload, case, dtype, steps=2)
    tasks = [task for task in ("trace", *reference.spec.tasks) if reference.offers(task)]
    for task in tasks:
        exact, found = reference.exact(task, point).all, reference.spreads(task, point, 4)
        assert set(found) == {name for name, value in exact.items() if value.dtype.kind == "f"}
        for name, spread in found.items():
            assert spread.sigma.shape == exact[name].shape
            assert (spread.sigma[exact[name] != 0] > 0).all(), (task, name)


def test_the_first_run_is_exact_and_each_replica_its_own():
    tape = NoiseTape("float32")
    a = Noise.exact(np.array([[1.0, 2.0], [3.0, 5.0]]), tape)
    assert ((a @ a).value == np.array([[7.0, 12.0], [18.0, 31.0]])).all()
    values = []
    for seed in (1, 2, 1):
        tape.replay(seed)
        values.append((a @ a).value)
    assert (values[0] == values[2]).all()
    assert (values[0] != values[1]).all()


def test_noise_has_the_deviation_of_its_primitive():
    tape = NoiseTape("float32")
    ones = Noise.exact(np.ones(40_000), tape)
    ones + ones
    tape.replay(7)
    error = (ones + ones).value - 2.0
    assert 0.98 < np.std(error) / (2 * S) < 1.02
    assert abs(error).max() <= 2 * unit_roundoff("float32") * 1.0001


def test_numbers_that_the_dtype_holds_are_exact():
    tape = NoiseTape("float32")
    Noise.rounded(0.5, tape), Noise.rounded(0.1, tape)
    tape.replay(1)
    assert Noise.rounded(0.5, tape).value == 0.5
    assert Noise.rounded(0.1, tape).value != 0.1
    double = NoiseTape("float64")
    double.replay(1)
    assert Noise.rounded(0.1, double).value == 0.1


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("np.cumprod", np.cumprod),
        ("np.einsum", lambda a: np.einsum("ij,ij,ij", a, a, a)),
        ("np.tan", np.tan),
        (r"float\(\)", lambda a: float(a[0, 0])),
        ("plain array", np.asarray),
        ("plain buffer", lambda a: np.add(a, a, out=np.zeros((2, 2)))),
    ],
)
def test_what_it_does_not_know_raises_by_name(name, operation):
    with pytest.raises((UnknownOperation, TypeError), match=name):
        operation(noisy(np.ones((2, 2))))


def test_a_scalar_product_and_dot_are_noisy():
    tape = NoiseTape("float32")
    a = Noise.exact(np.array([[1.1, 2.3], [3.7, 5.9]]), tape)
    exact = (a.dot(a)).value, (a[0, 0] * a[1, 1]).value
    tape.replay(1)
    assert ((a.dot(a)).value != exact[0]).all()
    assert (a[0, 0] * a[1, 1]).value != exact[1]


def test_a_cast_moves_by_what_it_keeps_of_the_noise():
    tape = NoiseTape("float32")
    a = Noise.exact(np.array([2.5, -2.5]), tape)
    (a * 1.1)
    tape.replay(1)
    assert a.astype(int).value.tolist() == [2, -2]
    assert a.astype(int).dtype.kind == "i"
    assert (a * 1.1).astype(np.float16).value.tolist() == np.float16([2.75, -2.75]).tolist()
    assert (a.value == [2.5, -2.5]).all()


def test_what_overflows_on_the_way_does_so_in_every_replica():
    tape = NoiseTape("float32")
    h = Noise.exact(np.array([-3000.0, 0.0, 3000.0]), tape)
    with np.errstate(over="ignore"):
        exact = (1 / (1 + np.exp(-h))).value
        tape.replay(1)
        noisy = (1 / (1 + np.exp(-h))).value
    assert exact.tolist() == [0, 0.5, 1]
    assert np.isfinite(noisy).all()
    assert noisy[1] != exact[1]


def test_a_standard_deviation_is_as_noisy_as_its_steps():
    tape = NoiseTape("float32")
    a = Noise.exact(np.random.default_rng(0).standard_normal((30, 8)), tape)
    exact = np.std(a, axis=0, ddof=1).value
    assert (exact == np.std(a.value, axis=0, ddof=1)).all()
    tape.replay(1)
    assert (a.std(0, ddof=1).value != exact).all()


def test_tf32_operands_are_noisier():
    spreads = {}
    for kind in (Noise, TF32Noise):
        tape = NoiseTape("float32")
        a = kind.exact(np.random.default_rng(0).standard_normal((50, 50)), tape)
        exact = (a @ a).value
        tape.replay(1)
        spreads[kind] = np.std((a @ a).value - exact)
    assert spreads[TF32Noise] > 100 * spreads[Noise]


def test_a_long_sum_loses_terms_one_way():
    """300,000 rows: a float32 loop loses the terms below half an ulp of its sum, in all elements alike."""
    x = np.random.default_rng(1).standard_normal((300_000, 4)).astype(np.float32)

    def run(tape):
        noisy = Noise.exact(x, tape)
        return {"gram": noisy.T @ noisy, "squares": np.square(noisy).sum(axis=0)}

    wide, spreads = x.astype(np.float64), measure_spreads(run, {}, "float32", 24)
    loops = np.array([[np.cumsum(a * b, dtype=np.float32)[-1] for b in x.T] for a in x.T])
    for name, got, exact in (
        ("gram", loops, wide.T @ wide),
        ("squares", loops.diagonal(), np.square(wide).sum(axis=0)),
    ):
        found = tensor_statistics(got, exact, spreads[name], None)
        assert found.breach is None, found
        random = S * np.sqrt(sum_variance(exact, np.square(wide).T @ np.square(wide), 300_000)).max()
        assert np.abs(got - exact).max() > 6 * random  # rounding at random would not have explained it


def test_as_many_rows_lose_nothing_in_float64():
    x = np.random.default_rng(1).standard_normal((300_000, 1))
    tapes = {dtype: NoiseTape(dtype) for dtype in ("float32", "float64")}
    for tape in tapes.values():
        np.square(Noise.exact(x, tape)).sum(axis=0)
    assert [len(tape.losses) for tape in tapes.values()] == [1, 0]
