"""Common mistakes between two PyTorch models, from end to end: each is named, with its number."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import samestep  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(12, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Linear(16, 5)
    )


def normal(*shape):
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


def compared(candidate, reference, x, **options):
    result = samestep.compare(candidate, reference, (x,), replicas=12, variants=False, **options)
    assert result.verdict == "disagree", str(result)
    return result


def tanh(model):
    model[1].approximate = "tanh"


def eps(model):
    model[2].eps = 1e-6


def slope(model):
    model[4].negative_slope = 0.01


def transposed(model):
    """Written as x W, where a module has x W': its own parameter stays as it is."""
    model[3].forward = lambda x: x @ model[3].weight + model[3].bias


def no_bias(model):
    model[5].forward = lambda x: functional.linear(x, model[5].weight)


@pytest.mark.parametrize(
    ("mistake", "layer", "text"),
    [
        (tanh, "1", "gelu's tanh form, where the reference has erf"),
        (eps, "2", "eps 1e-6 where the reference has 1e-5"),
        (slope, "4", "the slope below 0 is 0.01 where the reference has 0.2"),
        (transposed, "3", "the weight is transposed"),
        (no_bias, "5", "the bias is missing"),
    ],
)
def test_a_layer(mistake, layer, text):
    reference = mlp()
    candidate = copy.deepcopy(reference)
    mistake(candidate)
    result = compared(candidate, reference, normal(7, 12))
    assert result.first.layer == layer
    assert result.diagnosis.text == text
    assert result.diagnosis.certain


class Attention(nn.Module):
    """Attention with four layers; what is computed between them is no layer."""

    def __init__(self):
        super().__init__()
        self.num_heads, self.scale = 2, 6**-0.5
        self.query, self.key, self.value, self.out = (nn.Linear(12, 12) for _ in range(4))

    def forward(self, x):
        q, k, v = (
            part(x).unflatten(-1, (2, 6)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        weights = (q @ k.mT * self.scale).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).flatten(2))


def test_an_attention_around_the_layer_that_differs_first():
    torch.manual_seed(0)
    reference = nn.Sequential(nn.Linear(12, 12), Attention())
    candidate = copy.deepcopy(reference)
    candidate[1].scale = 1 / 6
    result = compared(candidate, reference, 3 * normal(2, 5, 12))
    assert result.first.layer == "1.out"
    assert result.diagnosis.text == "scores are scaled by 1/6, where the reference has 1/sqrt(6)"
    assert result.diagnosis.certain


def test_the_layer_of_an_output_that_no_layer_shows():
    """A function shows no layers: its output is compared with the last layer's, and read as that layer."""
    reference = nn.Sequential(nn.Linear(12, 5))
    values = {name: value.detach().clone() for name, value in reference.state_dict().items()}
    candidate = samestep.Model(lambda params, x: x @ params["0.weight"].T, values)
    result = compared(candidate, reference, normal(7, 12))
    assert result.diagnosis.text == "the bias is missing"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"momentum": 0.9}, "the running statistics take 0.9 of the new, the reference's 0.1"),
        ({"momentum": 0.01}, "the running statistics take 0.01 of the new, the reference's 0.1"),
    ],
)
def test_running_statistics(changes, text):
    torch.manual_seed(0)
    reference = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    candidate = copy.deepcopy(reference)
    for name, value in changes.items():
        setattr(candidate[1], name, value)
    result = compared(candidate, reference, normal(3, 2, 6, 6))
    assert result.first.tensor == "state 1.running_mean"
    assert result.diagnosis.text == text


def adam(**settings):
    return lambda params: torch.optim.Adam(params, **{"lr": 0.01, **settings})


def adamw(**settings):
    return lambda params: torch.optim.AdamW(params, **{"lr": 0.01, **settings})


@pytest.mark.parametrize(
    ("mine", "theirs", "text"),
    [
        (adam(eps=1e-4), adam(), "eps is 1e-4, the reference's 1e-8"),
        (adam(lr=0.02), adam(), "the learning rate is 0.02, the reference's 0.01"),
        (
            adam(weight_decay=0.1),
            adamw(weight_decay=0.1),
            "weight decay is added to the gradient, which the reference's is not",
        ),
        (adamw(weight_decay=0.0), adamw(weight_decay=0.1), "there is no weight decay"),
    ],
)
def test_an_optimiser(mine, theirs, text):
    reference = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    result = compared(copy.deepcopy(reference), reference, normal(7, 6), optimizer=(mine, theirs))
    assert result.first.tensor.endswith(" after step 1")
    assert result.diagnosis.text == text


def test_label_smoothing():
    reference = nn.Sequential(nn.Linear(12, 5))
    targets = np.random.default_rng(1).integers(0, 5, 9)
    mine, theirs = (nn.CrossEntropyLoss(label_smoothing=s) for s in (0.1, 0.0))
    result = compared(
        copy.deepcopy(reference), reference, normal(9, 12), loss=(mine, theirs), targets=targets
    )
    assert result.first.tensor == "loss"
    assert result.diagnosis.text == "label smoothing is 0.1, where the reference has 0"
    assert result.diagnosis.certain


def test_a_difference_that_nothing_explains_has_no_cause():
    reference = mlp()
    candidate = copy.deepcopy(reference)
    candidate[1].forward = lambda x: torch.sin(3 * x) + x**2
    result = compared(candidate, reference, normal(7, 12))
    assert result.first.layer == "1"
    assert result.diagnosis is None or not result.diagnosis.certain


def test_the_gradient_of_a_tied_head_that_is_lost():
    class Tied(nn.Module):
        def __init__(self, lost=False):
            super().__init__()
            torch.manual_seed(0)
            self.embed, self.norm, self.lost = nn.Embedding(11, 8), nn.LayerNorm(8), lost

        def forward(self, tokens):
            head = self.embed.weight.detach() if self.lost else self.embed.weight
            return self.norm(self.embed(tokens)) @ head.T

    result = compared(Tied(lost=True), Tied(), np.arange(10).reshape(2, 5))
    assert result.first.tensor == "gradient of embed.weight"
    assert result.diagnosis.text == "a contribution to the gradient is not added"
    assert result.diagnosis.certain
