"""Flax NNX modules: layers by their paths, modes, and random keys that stay with the module."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
nnx = pytest.importorskip("flax.nnx")

from samestep.models.jax import JaxSubject, recognise  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import asked, follow, key, names, normal, same  # noqa: E402


class Block(nnx.Module):
    """Norms, attention and dropout, with one layer used twice."""

    def __init__(self, rngs):
        self.batch_norm = nnx.BatchNorm(6, rngs=rngs)
        self.norm = nnx.LayerNorm(6, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(2, 6, decode=False, rngs=rngs)
        self.drop = nnx.Dropout(0.25, rngs=rngs)
        self.mlp = nnx.Sequential(nnx.Linear(6, 6, rngs=rngs), nnx.gelu, nnx.Linear(6, 6, rngs=rngs))

    def __call__(self, x):
        x = self.batch_norm(x)
        x = x + self.drop(self.attention(self.norm(x)[None])[0])
        return self.mlp(self.norm(x))


def block(train: bool) -> Block:
    module = Block(nnx.Rngs(0))
    module.train() if train else module.eval()
    return module


def bits(leaf):
    is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf).tobytes()


def everything(module):
    return [(path, bits(leaf)) for path, leaf in jax.tree_util.tree_leaves_with_path(nnx.state(module))]


@pytest.fixture(scope="module")
def subject():
    return recognise(block(train=False))


def test_names_are_attributes(subject):
    tensors = follow(subject, asked(normal(4, 6)))
    inside = [f"attention/{part}" for part in ("query", "key", "value", "out")]
    called = [
        "batch_norm",
        "norm",
        *inside,
        "attention",
        "drop",
        "norm#2",
        "mlp/layers/0",
        "mlp/layers/2",
        "mlp",
    ]
    assert names(tensors, Role.LAYER) == called
    assert names(tensors, Role.LAYER_GRADIENT) == called[::-1]
    assert {"attention/value/kernel", "mlp/layers/0/bias", "norm/scale"} <= subject.parameters().keys()
    assert list(subject.state()) == ["batch_norm/mean", "batch_norm/var"]
    norm, epsilon = next(layer for layer in subject.layers() if layer.name == "norm"), 1e-6
    assert (norm.kind, norm.settings["epsilon"]) == ("LayerNorm", epsilon)
    assert "eval mode" in subject.describe()


def test_the_mode_and_the_keys_stay_as_they_are():
    module, question = block(train=True), asked(normal(4, 6))
    before = everything(module)
    subject = JaxSubject.from_nnx(module)
    tensors = follow(subject, question)
    assert "train mode" in subject.describe()
    assert tensors[key(Role.STATE, "batch_norm/mean")].any()
    assert same(tensors, subject.run(question))
    assert everything(module) == before
    assert nnx.Linear.__call__.__name__ == "__call__"


def test_values_are_exchanged_by_name(subject):
    question = asked(normal(4, 6))
    moved = subject.with_values({"mlp/layers/2/bias": np.ones(6)}, {"batch_norm/mean": np.ones(6)})
    assert not same(moved.run(question), subject.run(question))
    assert subject.with_values(subject.parameters(), subject.state()).run(question).keys() == (
        subject.run(question).keys()
    )


class Transformed(nnx.Module):
    """Layers that are called inside of NNX's transformations, which copy modules."""

    def __init__(self, rngs):
        self.jitted, self.recomputed = nnx.Linear(6, 6, rngs=rngs), nnx.Linear(6, 6, rngs=rngs)

    def __call__(self, x):
        x = nnx.jit(lambda layer, x: nnx.tanh(layer(x)))(self.jitted, x)
        return nnx.remat(lambda layer, x: layer(x))(self.recomputed, x)


def test_layers_inside_transformations_have_their_names():
    tensors = recognise(Transformed(nnx.Rngs(0))).run(asked(normal(4, 6)))
    assert names(tensors, Role.LAYER) == ["jitted", "recomputed"]
    assert names(tensors, Role.LAYER_GRADIENT) == ["recomputed", "jitted"]
