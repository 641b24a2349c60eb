"""The machine's speed is the quickest of several products that nobody disturbed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samestep.frameworks import Settings
from samestep.frameworks.numpy import Adapter
from samestep.measure.machine_speed import MOST_PRODUCTS, PRODUCTS, Peak, PeakTiming


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr(Peak, "SIZE", 8)


def test_a_peak_counts_the_multiply_adds_of_the_product(small):
    sample = Peak(Adapter(Settings()), "float32").sample()
    assert sample.flops == 2 * 8**3
    assert sample.seconds > 0
    assert sample.processors > 0


def test_a_peak_multiplies_in_the_dtype_of_the_cell(small):
    assert {Peak(Adapter(Settings()), dtype).a.dtype.name for dtype in ("float32", "float64")} == {
        "float32", "float64",
    }  # fmt: skip


def timings(*seconds: float) -> Iterator[PeakTiming]:
    """Products of so many seconds; of a negative number they were disturbed."""
    return iter([PeakTiming(abs(one), 1.0, 1.0, one < 0) for one in seconds])


@pytest.mark.parametrize(
    ("seconds", "best", "disturbed"),
    [
        ((3, 2), 2, False),
        ((-1, 3, -1, 2), 2, False),  # what was disturbed does not count, however quick
        ((-5, -4, -6, -3, -7), 3, True),  # nothing else is known, and it is said
        ((-5, -4, 9, -3, -7), 9, False),
    ],
)
def test_starved_products_say_nothing_of_the_machine(small, monkeypatch, seconds, best, disturbed):
    peak, left = Peak(Adapter(Settings()), "float32"), timings(*seconds, 1)
    monkeypatch.setattr(peak, "product", lambda: next(left))
    found = peak.sample()
    assert (found.seconds, found.disturbed) == (best, disturbed)
    assert len(list(left)) == 1  # no more were taken
    assert len(seconds) <= MOST_PRODUCTS
    assert sum(one > 0 for one in seconds) in (PRODUCTS, 0, 1)
