"""A table that one side keeps and the other computes owes its rounding, and no more."""

from __future__ import annotations

import numpy as np
import pytest

import samestep
from samestep.models.own_values import OwnValues, own_of_reference, rounded_programs
from samestep.models.pairing.parameter_map import ParameterMap

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.models.torch import from_module  # noqa: E402

torch.set_num_threads(1)
X = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


class Kept(nn.Module):
    """Waves of frequencies that are a buffer, as in rotary embeddings."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(6, 6)
        self.register_buffer(
            "frequencies", torch.tensor(10.0 ** -(np.arange(6) / 6)).float(), persistent=False
        )
        self.register_buffer("ones", torch.ones(6))

    def forward(self, x):
        return self.layer(x * self.frequencies.cos() * self.ones)


class Computed(Kept):
    """The same, computed at each call."""

    def __init__(self, base: float = 10.0) -> None:
        super().__init__()
        del self.frequencies, self.ones
        self.base = base

    def forward(self, x):
        return self.layer(x * (self.base ** -(torch.arange(6) / 6)).cos())


@pytest.mark.parametrize("turned", [False, True])
def test_a_table_that_one_side_computes_owes_its_rounding(turned):
    pair = (Computed(), Kept())[:: -1 if turned else 1]
    assert samestep.compare(*pair, (X,), variants=False).verdict == "agree"


def test_another_table_is_another_function():
    result = samestep.compare(Computed(10.0001), Kept(), (X,), variants=False)
    assert result.verdict == "disagree"
    assert result.first is not None
    assert result.first.exact


def test_only_what_is_rounded_and_not_paired_owes():
    subject, alone = from_module(Kept()), from_module(Computed())
    maps = [ParameterMap.by_value(values, {}) for values in (subject.parameters(), subject.state())]
    assert list(own_of_reference(subject, *maps).state) == ["frequencies"]
    held = [ParameterMap.by_value(v, v) for v in (subject.parameters(), subject.state())]
    assert own_of_reference(subject, *held) == OwnValues()
    assert own_of_reference(alone, *maps).state == {}
    assert not list(rounded_programs(subject, None, OwnValues(), 0, 3))


class Scaled(nn.Module):
    """A layer times a parameter; ``folded`` has multiplied the weights by it."""

    def __init__(self, folded: bool = False, off: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, gain = nn.Linear(6, 20), torch.randn(20)
        self.gain = None if folded else nn.Parameter(gain)
        if folded:
            with torch.no_grad():
                self.layer.weight.copy_(self.layer.weight * gain[:, None] * (1 + off))
                self.layer.bias.copy_(self.layer.bias * gain)

    def forward(self, x):
        return torch.tanh(self.layer(x) if self.gain is None else self.layer(x) * self.gain)


def test_a_weight_that_a_factor_is_folded_into_owes_one_rounding_for_each_element():
    assert samestep.compare(Scaled(True), Scaled(), (X,), variants=False).verdict == "agree"
    result = samestep.compare(Scaled(True, off=1e-5), Scaled(), (X,), variants=False)
    assert result.verdict == "disagree"
    assert result.first is not None
    assert result.first.exact


class Times(nn.Module):
    """A layer, and ``factor`` times its result."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.factor = nn.Linear(6, 20), factor

    def forward(self, x):
        return self.layer(x) * self.factor


@pytest.mark.parametrize("factor", [0.3, 0.3000001])
def test_a_weight_that_convert_multiplies_owes_one_rounding_for_each_element(factor):
    result = samestep.compare(
        nn.Sequential(nn.Linear(6, 20)), Times(factor), (X,), variants=False,
        convert=lambda w: {name.replace("layer", "0"): value * 0.3 for name, value in w.items()},
    )  # fmt: skip
    assert result.verdict == ("agree" if factor == 0.3 else "disagree")


class Waves(nn.Module):
    """A table of waves that is a buffer, computed in ``dtype``; one element is ``ulps`` off."""

    def __init__(self, dtype: torch.dtype, ulps: int = 0) -> None:
        super().__init__()
        angles = torch.arange(12, dtype=dtype)[:, None] * 10.0 ** -(torch.arange(6, dtype=dtype) / 6)
        table = torch.cos(angles).float()
        table[3, 2] += ulps * torch.finfo(torch.float32).eps * table[3, 2].abs()
        self.register_buffer("table", table)

    def forward(self, x):
        return torch.tanh(x @ self.table.T)


@pytest.mark.parametrize("ulps", [0, 2000])
def test_tables_that_both_sides_hold_may_be_rounded_otherwise(ulps):
    single, double = Waves(torch.float32, ulps), Waves(torch.float64)
    assert not torch.equal(single.table, double.table)
    result = samestep.compare(single, double, (X,), variants=False)
    assert result.verdict == ("disagree" if ulps else "agree")
