"""A table that one side keeps and the other computes owes its rounding, and no more."""

from __future__ import annotations

import numpy as np
import pytest

import samestep
from samestep.models.own_state import own_state, rounded_programs

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
    subject = from_module(Kept())
    assert list(own_state(subject, ())) == ["frequencies"]
    assert not own_state(subject, ("frequencies",))
    assert not list(rounded_programs(subject, None, {}, 0, 3))
