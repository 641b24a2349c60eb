"""The rules that correct code needed: each explains an error, which is over a limit without it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from samestep.agreement.arithmetic.torch import (  # noqa: E402
    long_products,
    random_errors,
    rules_products,
    rules_scatter,
    rules_sums,
)
from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode  # noqa: E402
from tests.agreement.arithmetic.torch.rule_check import SeenMode, compare, run  # noqa: E402

GENERATOR_SEED = 7


def normal(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(GENERATOR_SEED))


def sequentially(terms):
    """Return the sums over the last axis, one term after another in the terms' dtype."""
    sums = np.cumsum(terms.numpy(), axis=-1, dtype=np.float32)  # torch's own sums carry float64
    return torch.from_numpy(sums[..., -1].copy())


def sigma_of(function, inputs, replicas=12):
    """Return the exact result and the standard deviation of the replicas."""
    mode = NoiseMode()
    with mode:
        exact = run(function, inputs, torch.float64, False)["out0"]
    squares = torch.zeros_like(exact)
    for seed in range(replicas):
        mode.replay(seed)
        with mode:
            noisy = run(function, inputs, torch.float64, False)["out0"]
        squares += (noisy - exact).square()
    return exact, (squares / replicas).sqrt()


# -- equal terms and repeated values round alike ---------------------------------------------------------

EQUAL = {
    "sum": (lambda x: x.sum(1), sequentially, (torch.full((500, 2000), 0.1),)),
    "mean": (lambda x: x.mean(1), lambda x: sequentially(x) / x.shape[1], (torch.full((500, 2000), 0.1),)),
    "mm": (
        lambda a, b: a @ b,
        lambda a, b: sequentially(a[:, None, :] * b.T),
        (torch.full((25, 4000), 0.1), torch.full((4000, 20), 0.7)),
    ),
    "conv": (
        lambda x, w: functional.conv1d(x, w),
        lambda x, w: sequentially(x.unfold(2, w.shape[2], 1) * w[:, :, None]),
        (torch.full((1, 1, 4500), 0.1), torch.full((1, 1, 4000), 0.7)),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_terms_round_alike(name, monkeypatch):
    function, candidate, inputs = EQUAL[name]
    assert not compare(function, inputs, backward=False, candidate=candidate).breaches
    for module in (rules_sums, rules_products):
        monkeypatch.setattr(module, "repetition", lambda rows: None)
    assert compare(function, inputs, backward=False, candidate=candidate).breaches


def test_the_gradient_of_a_bias_behind_a_global_average_pool_rounds_alike(monkeypatch):
    g = torch.full((1, 3, 1, 1), 0.1).expand(256, 3, 8, 8).contiguous()

    def gradient(g):
        return torch.ops.aten.convolution_backward(
            g, torch.zeros_like(g), torch.zeros(3, 3, 1, 1, dtype=g.dtype), [3], [1, 1], [0, 0], [1, 1],
            False, [0, 0], 1, [False, False, True],
        )[2]  # fmt: skip

    def candidate(g):
        return sequentially(g.transpose(0, 1).reshape(3, -1))

    assert not compare(gradient, (g,), backward=False, candidate=candidate).breaches
    monkeypatch.setattr(rules_sums, "repetition", lambda rows: None)
    assert compare(gradient, (g,), backward=False, candidate=candidate).breaches


ROWS = torch.arange(30_000) % 2
TERMS = torch.full((30_000, 3), 0.1)


def added_one_by_one(terms):
    return torch.stack([sequentially(terms[row == ROWS].T) for row in (0, 1)])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.zeros(2, 3, dtype=x.dtype).index_add(0, ROWS, x),
        lambda x: torch.zeros(2, 3, dtype=x.dtype).scatter_add(0, ROWS[:, None].expand(30_000, 3), x),
        lambda x: torch.zeros(2, 3, dtype=x.dtype).index_put((ROWS,), x, accumulate=True),
        lambda x: torch.ops.aten.embedding_dense_backward(x, ROWS, 2, -1, False),
    ],
)
def test_equal_terms_that_an_index_adds_round_alike(function, monkeypatch):
    assert not compare(function, (TERMS,), backward=False, candidate=added_one_by_one).breaches
    monkeypatch.setattr(rules_scatter, "repetition_at", lambda places, terms, size: None)
    assert compare(function, (TERMS,), backward=False, candidate=added_one_by_one).breaches


def test_an_array_that_repeats_rounds_by_its_values(monkeypatch):
    # A number just above a power of two whose product rounds by nearly half an ulp: as far as one can be off.
    factor = torch.tensor([1 + 2.0**-12 + 2.0**-23])
    numbers = 1 + torch.arange(20_000) * 2.0**-23
    off = (numbers * factor).double() - numbers.double() * factor.double()
    array = numbers[off.abs().argmax()].expand(10_000).clone()
    assert not compare(torch.mul, (array, factor), backward=False).breaches
    monkeypatch.setattr(random_errors, "repeats", lambda x: False)
    assert compare(torch.mul, (array, factor), backward=False).breaches


def test_pixels_over_255_round_by_their_values():
    pixels = torch.randint(256, (3, 40, 40), generator=torch.Generator().manual_seed(1)).float()
    assert not compare(lambda x: (x / 255).mean((1, 2)), (pixels,)).breaches
    _, sigma = sigma_of(lambda x: x / 255, (pixels,), replicas=1)
    distinct = torch.stack([pixels.double().reshape(-1), sigma.reshape(-1)]).unique(dim=1)
    assert distinct.shape[1] == len(pixels.unique())  # one error for each value


# -- numbers round at each use ---------------------------------------------------------------------------


def test_a_hyperparameter_rounds_at_each_use():
    mode = NoiseMode()
    assert (
        mode.literal(0.9990000128746033) == mode.literal(0.999) == 0.999
    )  # as float32 holds it: what is meant
    mode.replay(1)
    held = float(torch.tensor(0.999)) - 0.999
    errors = torch.tensor([mode.literal(0.999) - 0.999 for _ in range(400)], dtype=torch.float64)
    assert 0.5 < float(errors.std()) / abs(held) < 4
    assert errors.unique().numel() > 300
    for held_by_all in (0.5, 3.0, float("-inf")):
        assert mode.literal(held_by_all) == held_by_all


def test_one_minus_beta_to_the_t_in_float32_is_explained(monkeypatch):
    def corrected(x):
        beta = float(np.float32(0.999)) if x.dtype is torch.float32 else current.literal(0.999)
        return x / (1 - beta)

    current = SeenMode()
    x = normal(600)
    assert not compare(corrected, (x,), mode=current, backward=False).breaches
    monkeypatch.setattr(SeenMode, "literal", lambda self, value: value)
    current = SeenMode()
    assert compare(corrected, (x,), mode=current, backward=False).breaches


# -- long sums lose terms one way ------------------------------------------------------------------------


def test_a_long_sum_loses_small_terms_one_way(monkeypatch):
    x = torch.exp(3 * normal(8, 200_000))
    error = sequentially(x).double() - x.double().sum(1)
    _, sigma = sigma_of(lambda x: x.sum(1), (x,))
    assert float((error / sigma).abs().max()) < 3
    monkeypatch.setattr(rules_sums, "sum_loss", lambda rows, total: None)
    _, sigma = sigma_of(lambda x: x.sum(1), (x,))
    assert float((error / sigma).abs().min()) > 10


@pytest.mark.parametrize("samples", [long_products.SAMPLES, 6])
def test_a_long_product_loses_small_terms_one_way(samples, monkeypatch):
    monkeypatch.setattr(long_products, "SAMPLES", samples)
    x = normal(200_000, 5)
    products = x.T[:, None, :] * x.T
    error = (sequentially(products).double() - products.double().sum(-1)).diagonal()
    _, sigma = sigma_of(lambda x: x.T @ x, (x,))
    assert float((error / sigma.diagonal()).abs().max()) < 3
    off = ~torch.eye(5, dtype=torch.bool)
    wide = sigma[off]
    monkeypatch.setattr(rules_products, "product_loss", lambda a, b, out: None)
    _, sigma = sigma_of(lambda x: x.T @ x, (x,))
    assert float((error / sigma.diagonal()).abs().min()) > 3
    assert samples < 9 or float((wide / sigma[off]).max()) < 4  # sums that do not grow evenly lose nothing


# -- absorbed addends ------------------------------------------------------------------------------------

LOWEST = torch.finfo(torch.float32).min


@pytest.mark.parametrize("mask", [LOWEST, -1e9, -1e4])
def test_an_absorbed_addend_does_not_round(mask):
    scores = normal(8, 50)
    _, sigma = sigma_of(lambda x: x + mask, (scores,))
    assert bool((sigma <= scores.abs()).all())  # one rounding of the sum would be 2e31 for the lowest number
    real = (scores + mask).double() - (scores.double() + mask)
    assert bool((real.abs() <= 3**0.5 * 2 * scores.abs()).all())


def test_two_masks_of_minus_infinity_stay_minus_infinity():
    masked = torch.where(normal(8, 50) > 0, 0.0, -torch.inf)
    scores = torch.where(normal(50) > 0, normal(8, 50), -torch.inf)
    mode = NoiseMode()
    for begin in (mode.record, lambda: mode.replay(1)):
        begin()
        with mode:
            out = scores.double() + masked.double()
        assert torch.equal(out.isneginf(), scores.isneginf() | masked.isneginf())
        assert not out.isnan().any()


def test_a_row_that_is_masked_whole_excuses_nothing(monkeypatch):
    scores = normal(40, 50)

    def masked(x):
        return functional.softmax(x + LOWEST, -1)

    def half(x):  # a padding fault: half of the row is kept
        return functional.softmax(torch.cat([x[:, :25] + LOWEST, x[:, 25:]], 1), -1)

    assert not compare(masked, (scores,), backward=False).breaches
    assert compare(masked, (scores,), backward=False, candidate=half).breaches
    relative = NoiseMode.relative
    monkeypatch.setattr(
        NoiseMode, "relative", lambda self, out, units, share=None: relative(self, out, units)
    )
    monkeypatch.setattr(random_errors, "is_held_exactly", lambda x, u: False)
    monkeypatch.setattr(random_errors, "repeats", lambda x: False)
    assert not compare(masked, (scores,), backward=False, candidate=half).breaches


def test_adding_zero_does_not_round():
    _, sigma = sigma_of(lambda x: x + torch.zeros(50, dtype=x.dtype), (normal(8, 50),))
    assert not sigma.any()


# -- conversions to integers -----------------------------------------------------------------------------


def test_integers_are_the_exact_runs_and_a_flip_is_a_finding(monkeypatch):
    # log2 of powers of two, to the base 2: whole numbers, on which noise decides.
    positions = (torch.arange(1, 600) * 1.0).pow(3)

    def buckets(x):
        return torch.log(x).div(torch.log(torch.full_like(x, 2.0))).to(torch.int64)

    mode = NoiseMode()
    with mode:
        exact = buckets(positions.double())
    for seed in range(4):
        mode.replay(seed)
        with mode:
            assert torch.equal(buckets(positions.double()), exact)
    (finding,) = mode.findings.values()
    assert finding.kind == "decides"
    assert "test_rules_correct_code.py" in finding.place
    monkeypatch.setattr(NoiseMode, "integers", lambda self, out: out)
    loose = []
    for seed in range(4):
        mode.replay(seed)
        mode.roundings.notes = [note for note in mode.roundings.notes if note.integers is None]
        with mode:
            loose.append(torch.equal(buckets(positions.double()), exact))
    assert not all(loose)


# -- gradients that are zero, and variances --------------------------------------------------------------


def test_zero_gradients_need_no_floor():
    q, k, bias = normal(4, 3, 20, 16), normal(4, 3, 20, 16) + 1, normal(16)

    def attention(q, k, bias):  # a bias on all keys moves every score of a row alike: its gradient is 0
        return functional.softmax(q @ (k + bias).mT / 4, -1)

    comparison = compare(attention, (q, k, bias))
    assert not comparison.breaches
    assert comparison.errors["grad2"] > 0
    x, w, b = normal(30, 5, 8, 8), normal(6, 5, 3, 3), normal(6)

    def normalised(x, w, b):  # a bias before a batch normalisation
        return functional.batch_norm(functional.conv2d(x, w, b), None, None, training=True)

    comparison = compare(normalised, (x, w, b))
    assert not comparison.breaches
    assert comparison.errors["grad2"] > 0


def test_a_one_pass_variance_is_weaker_arithmetic():
    x = normal(700, 50) + 100

    def one_pass(x):
        return (x * x).mean(1) - x.mean(1) ** 2

    two_passes = lambda x: x.var(1, correction=0)  # noqa: E731
    assert not compare(two_passes, (x,), backward=False).breaches
    assert compare(two_passes, (x,), backward=False, candidate=one_pass).breaches
