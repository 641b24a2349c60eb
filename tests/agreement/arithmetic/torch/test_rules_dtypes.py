"""Rounding by dtype, level and contract, and what a tape needs: draws that can be made again."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from samestep.agreement.arithmetic.program import Contract, Level, Nudge  # noqa: E402
from samestep.agreement.arithmetic.torch.literals import is_held, is_short, meant, owes  # noqa: E402
from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode  # noqa: E402
from samestep.agreement.arithmetic.torch.noise_pool import POOL_SIZE, Draw, NoisePool  # noqa: E402
from samestep.agreement.arithmetic.torch.path import OtherPath  # noqa: E402
from samestep.agreement.limits import rounding_deviation, unit_roundoff  # noqa: E402
from tests.agreement.arithmetic.torch.rule_check import SeenMode, compare  # noqa: E402

aten = torch.ops.aten
FLOAT32 = unit_roundoff("float32")
BFLOAT16 = torch.finfo(torch.bfloat16).eps / 2


def normal(*shape, seed=3):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def deviation_of(func, *args, roundoff=FLOAT32, source=FLOAT32, level=Level.OWN, replicas=16, **settings):
    """Return the standard deviation of one operation's errors, for results of a dtype's unit roundoff."""
    mode = NoiseMode(**settings)
    mode.roundoff, mode.source_roundoff = roundoff, source
    exact = mode.apply(func, args, {})
    total = torch.zeros_like(exact)
    for seed in range(replicas):
        mode.replay(seed, level)
        total += (mode.apply(func, args, {}) - exact).square()
    return (total / replicas).sqrt()


def share(sigma, value):
    return float(sigma.norm() / value.norm())


def test_a_result_rounds_to_its_own_dtype():
    a, b = normal(40, 40), normal(40, 40, seed=4)
    one = rounding_deviation(FLOAT32)
    assert 0.9 < share(deviation_of(aten.mul.Tensor, a, b), a * b) / one < 1.1
    held = deviation_of(aten.mul.Tensor, a.bfloat16().double(), b.bfloat16().double())
    assert not held.any()  # float32 holds a product of two bfloat16 numbers, bfloat16 does not
    narrow = deviation_of(aten.mul.Tensor, a.bfloat16().double(), b.bfloat16().double(), roundoff=BFLOAT16)
    assert narrow.all()
    coarse = deviation_of(aten.mul.Tensor, a, b, roundoff=BFLOAT16)
    assert 0.9 < share(coarse, a * b) / rounding_deviation(BFLOAT16) < 1.1
    assert not deviation_of(aten.mul.Tensor, a, b, roundoff=unit_roundoff("float64")).any()


def test_sums_of_bfloat16_are_kept_in_float32_and_scatter_adds_are_not():
    x = normal(50, 400).abs()
    summed = deviation_of(aten.sum.dim_IntList, x, [1], roundoff=BFLOAT16)
    assert 0.8 < share(summed, x.sum(1)) / rounding_deviation(BFLOAT16) < 1.2
    index = torch.zeros(400, dtype=torch.int64)
    added = deviation_of(
        aten.index_add.default, torch.zeros(1, 50, dtype=x.dtype), 0, index, x.T, roundoff=BFLOAT16
    )
    assert share(added, x.sum(1)) > 5 * share(summed, x.sum(1))


def test_a_cast_rounds_only_to_fewer_bits():
    x = normal(900)
    narrowed = deviation_of(aten._to_copy.default, x, roundoff=BFLOAT16, source=FLOAT32)
    assert 0.9 < share(narrowed, x) / rounding_deviation(BFLOAT16) < 1.1
    assert not deviation_of(aten._to_copy.default, x, roundoff=BFLOAT16, source=BFLOAT16).any()
    assert not deviation_of(aten._to_copy.default, x, roundoff=FLOAT32, source=BFLOAT16).any()
    to_float32 = deviation_of(aten._to_copy.default, x, roundoff=FLOAT32, source=unit_roundoff("float64"))
    assert 0.9 < share(to_float32, x) / rounding_deviation(FLOAT32) < 1.1


def test_the_double_level_rounds_everything_as_float32_would():
    a, b = normal(40, 40), normal(40, 40, seed=4)
    own = deviation_of(aten.mm.default, a, b)
    for roundoff in (FLOAT32, BFLOAT16, unit_roundoff("float64")):
        double = deviation_of(aten.mm.default, a, b, roundoff=roundoff, level=Level.DOUBLE)
        assert torch.equal(own, double)
    mode = NoiseMode()
    mode.replay(1, Level.DOUBLE)
    assert mode.literal(0.1) == 0.1  # literals are nudged, each by its value: none is drawn


@pytest.mark.parametrize("contract", [Contract.TF32, Contract.BFLOAT16, Contract.FLOAT16])
def test_a_contract_explains_coarser_operands(contract):
    cut = {Contract.TF32: None, Contract.BFLOAT16: torch.bfloat16, Contract.FLOAT16: torch.float16}[contract]

    def rounded(x):
        if cut is not None:
            return x.to(cut).float()
        mantissa, exponent = torch.frexp(x)
        return torch.ldexp((mantissa * 2**11).round(), exponent - 11)

    def product(a, b):
        out = rounded(a) @ rounded(b)
        return out if cut is None else out.to(cut).float()

    inputs = normal(30, 200).float(), normal(200, 30, seed=4).float()
    mode = SeenMode(contract=contract)
    assert not compare(torch.mm, inputs, backward=False, mode=mode, candidate=product).breaches
    assert compare(torch.mm, inputs, backward=False, candidate=product).breaches


class Log:
    """A tape's ears."""

    def __init__(self):
        self.draws, self.numbers = [], []

    def drew(self, draw, offset, numbers):
        self.draws.append((draw, offset, numbers))

    def drew_number(self, exact, scale, offset, noisy):
        self.numbers.append((exact, scale, offset, noisy))


def test_a_draw_is_a_function_of_its_offset():
    log = Log()
    mode = NoiseMode(log=log)
    x = normal(40, 30).T  # not contiguous: errors lie in memory order

    def run():
        with mode:
            return torch.softmax(x * 0.5, -1) @ x.T

    run()
    assert not log.draws
    mode.replay(5)
    first = run()
    assert len(log.draws) >= 4
    pool = NoisePool(5)
    for draw, offset, numbers in log.draws:
        assert pool.next_offset() == offset
        assert torch.equal(pool.block(draw, offset), numbers)
        assert numbers.stride() == draw.stride
    mode.replay(5)
    assert torch.equal(run(), first)
    mode.replay(6)
    assert not torch.equal(run(), first)


def test_literals_are_logged_and_can_be_made_again():
    log = Log()
    mode = NoiseMode(log=log)
    third = float(torch.tensor(0.1, dtype=torch.float32))  # as a float32 array holds 0.1
    mode.replay(5)
    noisy = mode.literal(third)
    ((exact, scale, offset, logged),) = log.numbers
    assert exact == 0.1
    assert logged == noisy
    assert noisy == exact * (1 + scale * NoisePool(0).number(offset))


def test_large_draws_are_blocks_of_the_pool():
    pool = NoisePool(1)
    draw = Draw((3, POOL_SIZE), (POOL_SIZE, 1))
    block = pool.block(draw, 7)
    assert block.shape == (3, POOL_SIZE)
    assert torch.equal(block, pool.block(draw, 7))
    assert not torch.equal(block[0], block[1])
    assert abs(float(block.var()) - 1) < 1 / 100
    assert abs(float(block.mean())) < 1 / 100


def test_another_sequence_is_another_path():
    mode = NoiseMode()
    x = normal(4, 4)
    with mode:
        x * x
        x @ x
    mode.replay(1)
    with pytest.raises(OtherPath, match=r"mm \(4, 4\) where the exact run has mul \(4, 4\)"), mode:
        x @ x
    mode.replay(1)
    with mode:
        x * x
    with pytest.raises(OtherPath, match="the end where the exact run has mm"):
        mode.finish()


def test_what_a_number_means():
    as_float32 = float(torch.tensor(0.999, dtype=torch.float32))
    assert meant(as_float32) == 0.999
    assert meant(0.999) == 0.999
    assert meant(0.125) == 0.125
    root = float(torch.tensor(1 / 3**0.5, dtype=torch.float32))
    assert meant(root) == 1 / 3**0.5
    other = float(torch.tensor(0.57735012, dtype=torch.float32))
    assert meant(other) == other
    assert owes(root)
    assert not owes(0.999)
    assert not owes(1e-5)
    assert not owes(7.0)
    assert is_short(float("-inf"))
    assert is_short(3.0)
    assert is_short(-0.375)
    assert not is_short(0.1)
    assert is_held(0.5, FLOAT32)
    assert is_held(root, FLOAT32)
    assert not is_held(0.1, FLOAT32)
    assert not is_held(1 + 2.0**-8, BFLOAT16)
    assert is_held(1 + 2.0**-7, BFLOAT16)


def test_a_nudge_moves_one_literal_at_all_its_sites():
    mode = NoiseMode()
    root = float(torch.tensor(0.57735012, dtype=torch.float32))
    x = normal(4)
    with mode:
        exact = x * root + root
    (literal,) = mode.literals
    assert literal.value == root
    assert literal.roundoff == FLOAT32
    mode.exact_again()
    mode.nudge = Nudge(literal)
    with mode:
        moved = x * root + root
    assert torch.equal(moved, x * (root * (1 + FLOAT32)) + root * (1 + FLOAT32))
    assert not torch.equal(moved, exact)
