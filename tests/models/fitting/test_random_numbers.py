"""Numbers that nobody would choose, on small tensors: what is said for certain must still be true."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.models.fitting.fit import fit
from samestep.models.fitting.layer_kinds import layer_kind
from tests.models.fitting.planted import Planted, attend, gelu_erf, layer_norm, normal, soft, swish

SEEDS = range(8)
SHAPES = [(1, 8), (2, 4), (3, 6), (4, 64)]

#: Kinds that say where a difference is, not what made it: true of any difference that lies there alone.
PLACES = {"part", "element"}


def number(rng, low=-4.0, high=-0.5):
    return float(10 ** rng.uniform(low, high))


def cases(rng, shape) -> dict[str, Planted]:
    """One mistake for each family whose number is drawn; shared rows make some of them alike."""
    x = normal(rng, *shape) * np.exp(normal(rng, shape[0], 1))
    p = {"weight": 1 + normal(rng, shape[1], scale=0.2), "bias": normal(rng, shape[1], scale=0.2)}
    a = number(rng)
    t = lambda x: x.dtype.type(a)  # noqa: E731
    norm = lambda wrong: Planted("LayerNorm", (x,), layer_norm, wrong, p, {"eps": 1e-5})  # noqa: E731
    act = lambda kind, right, wrong: Planted(kind, (x,), right, wrong)  # noqa: E731
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    bent = lambda w: w + w.dtype.type(a) * np.cos(np.arange(w.size)).astype(w.dtype)  # noqa: E731
    qkv = tuple(normal(rng, 2, *shape) for _ in range(3))
    return {
        "eps": norm(lambda x, **p: layer_norm(x, **p, eps=a)),
        "affine": norm(lambda x, weight, bias: layer_norm(x, weight * (1 + t(x)), bias)),
        "factor": norm(lambda x, **p: layer_norm(x, **p) * (1 + t(x))),
        "constant": norm(lambda x, **p: layer_norm(x, **p) + t(x)),
        "slope": act("ReLU", relu, lambda x: np.where(x > 0, x, t(x) * x)),
        "cap": act("ReLU", relu, lambda x: np.minimum(relu(x), t(x))),
        "beta": act("SiLU", swish, lambda x: swish(x, 1 + a)),
        "scale: softmax": act("Softmax", soft, lambda x: soft(x * (1 + t(x)))),
        "scale: attention": Planted(
            "sdpa", qkv, attend, lambda q, k, v: attend(q, k, v, scale=q.shape[-1] ** -0.5 * (1 + a))
        ),
        "factor: gelu": act("GELU", gelu_erf, lambda x: gelu_erf(x) * (1 + t(x))),
        "none: squared": act("GELU", gelu_erf, lambda x: gelu_erf(x) + t(x) * x * x),
        "none: input moved": act("GELU", gelu_erf, lambda x: gelu_erf(x + t(x))),
        "none: weights moved": norm(lambda x, weight, bias: layer_norm(x, bent(weight), bias)),
    }  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_is_said_wrongly_for_certain(shape, dtype):
    for seed in SEEDS:
        for name, case in cases(np.random.default_rng(seed), shape).items():
            found = fit(case.difference(dtype))
            if found is not None and found.certain and found.kind not in PLACES:
                assert found.kind == name.partition(":")[0], (seed, name, found)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("LayerNorm", "layer_norm"), ("torch.nn.LayerNorm", "layer_norm"), ("LayerNorm_0", "layer_norm"),
        ("LayerNormalization", "layer_norm"), ("LlamaRMSNorm", "rms_norm"), ("T5LayerNorm", "rms_norm"),
        ("BatchNorm2d", "batch_norm"), ("BatchNormalization", "batch_norm"), ("Dense", "linear"),
        ("Conv2D", "conv"), ("Conv1d", "conv"), ("AvgPool2d", "avg_pool"), ("AveragePooling2D", "avg_pool"),
        ("MultiHeadAttention", "attention"), ("BertSelfAttention", "attention"), ("ReLU6", "relu6"),
        ("LSTMCell", "lstm"), ("loss:cross_entropy", "loss:cross_entropy"), ("update:Adam", "update:adam"),
        ("Whatever", "Whatever"), ("NewGELUActivation", "gelu"), ("SiLU", "silu"),
    ],
)  # fmt: skip
def test_frameworks_names_of_one_kind(name, kind):
    assert layer_kind(name) == kind
