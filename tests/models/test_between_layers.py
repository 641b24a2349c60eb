"""A mistake in what the code does between its layers: the next layer is right on what goes into it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import samestep  # noqa: E402

X = np.random.default_rng(5).standard_normal((3, 5, 8)).astype(np.float32)


class Block(nn.Module):
    """A feed-forward block whose parts between the layers can be set."""

    def __init__(self, act=functional.gelu, join=lambda x, h, n: x + h, last=lambda y: y * 0.5):
        super().__init__()
        self.norm, self.up = nn.LayerNorm(8), nn.Linear(8, 12)
        self.down, self.head = nn.Linear(12, 8), nn.Linear(8, 8)
        self.act, self.join, self.last = act, join, last

    def forward(self, x):
        n = self.norm(x)
        return self.head(self.last(self.join(x, self.down(self.act(self.up(n))), n)))


class Attention(nn.Module):
    def __init__(self, scale=0.5, later=1):
        super().__init__()
        self.q, self.k = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
        self.v, self.o = nn.Linear(8, 8), nn.Linear(8, 8)
        self.scale, self.later = scale, later

    def forward(self, x):
        q, k, v = (m(x).unflatten(-1, (2, 4)).transpose(1, 2) for m in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) * self.scale
        blocked = torch.triu(torch.ones(5, 5, dtype=torch.bool), self.later)
        weights = scores.masked_fill(blocked, -torch.inf).softmax(-1)
        return self.o((weights @ v).transpose(1, 2).flatten(-2))


def compared(candidate, kind=Block, exchange=False):
    torch.manual_seed(0)
    reference = kind()
    candidate.load_state_dict(reference.state_dict())
    if exchange:
        candidate.q, candidate.k = candidate.k, candidate.q
    result = samestep.compare(candidate, reference, (X,), replicas=8, variants=False)
    assert result.verdict == "disagree"
    return result


@pytest.mark.parametrize(
    ("candidate", "between", "text"),
    [
        (
            Block(act=lambda h: functional.gelu(h, approximate="tanh")),
            ("up", "down"),
            "gelu's tanh form, where the reference has erf",
        ),
        (Block(act=torch.relu), ("up", "down"), "the activation is relu, where the reference has gelu"),
        (
            Block(join=lambda x, h, n: h),
            ("down", "head"),
            "0.5 times input 0 is missing in what goes into head",
        ),
        (
            Block(last=lambda y: y * 0.25),
            ("down", "head"),
            "what goes into head is 0.5 times what it should be",
        ),
        (
            Block(join=lambda x, h, n: n + h),
            ("down", "head"),
            "norm is added to what goes into head in place of input 0 (0.5 times)",
        ),
        (
            Block(last=lambda y: y.flip(1) * 0.5),
            ("down", "head"),
            "what goes into head is reversed along axis 1",
        ),
    ],
)  # fmt: skip
def test_what_lies_between(candidate, between, text):
    result = compared(candidate)
    assert result.first.between == between
    assert str(result).startswith(
        f"disagree: first between {between[0]} and {between[1]}: {between[1]} (Linear)"
    )
    assert result.diagnosis.text == text
    assert result.diagnosis.certain


def test_two_mistakes_between_layers():
    result = compared(Block(act=torch.relu, last=lambda y: y * 0.25))
    assert [fault.between for fault in result.faults] == [("up", "down"), ("down", "head")]
    assert "wrong as well: between down and head: head (Linear)" in str(result)


def test_a_layer_that_is_wrong_itself_is_named():
    candidate = Block()
    candidate.down.forward = lambda h: functional.linear(h, candidate.down.weight)
    result = compared(candidate)
    assert (result.first.layer, result.first.between) == ("down", None)
    assert result.diagnosis.text == "the bias is missing"


@pytest.mark.parametrize(
    ("candidate", "text"),
    [
        (Attention(scale=0.25), "scores are scaled by "),
        (Attention(later=2), "a causal mask lets each position see one position ahead"),
    ],
)
def test_an_attention_between_projections(candidate, text):
    result = compared(candidate, Attention)
    assert result.first.between == ("v", "o")
    assert result.diagnosis.text.startswith(text)


def test_parameters_that_were_loaded_the_wrong_way_round():
    result = compared(Attention(), Attention, exchange=True)
    assert result.looks_like == (
        "parameters loaded the wrong way round: q.weight holds the reference's k.weight, "
        "k.weight holds the reference's q.weight"
    )


def test_between_tags_of_jax_functions():
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(0)
    w = [rng.standard_normal((8, 8)).astype(np.float32) for _ in range(2)]

    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
            for layer, value in zip((self.one, self.two), w, strict=True):
                layer.weight = nn.Parameter(torch.tensor(value.T.copy()))

        def forward(self, x):
            return self.two(torch.relu(self.one(x)))

    def port(w, x):
        return samestep.tag(samestep.tag(x @ w[0], "one") @ w[1], "two")

    result = samestep.compare(samestep.Model(port, w), Dense(), (X,), replicas=8, variants=False)
    assert result.verdict == "disagree"
    assert result.first.layer == "two"
    assert jax is not None
