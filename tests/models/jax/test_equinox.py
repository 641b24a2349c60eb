"""Equinox modules: layers by tree paths, mapped over a batch or not, and with a state."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
eqx = pytest.importorskip("equinox")
import jax.numpy as jnp  # noqa: E402

from samestep.models.jax import JaxSubject, recognise  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import asked, follow, key, names, normal  # noqa: E402


class Conv(eqx.Module):
    """Convolution, norm, dropout that is off, and a head."""

    parts: list
    head: eqx.nn.Linear

    def __init__(self, seed):
        conv, head = jax.random.split(seed)
        norm, drop = eqx.nn.GroupNorm(2, 4), eqx.nn.Dropout(0.5, inference=True)
        self.parts = [eqx.nn.Conv2d(3, 4, 3, key=conv), norm, eqx.nn.Lambda(jax.nn.relu), drop]
        self.head = eqx.nn.Linear(4, 5, key=head)

    def __call__(self, image):
        for part in self.parts:
            image = part(image)
        return self.head(image.mean((1, 2)))


def test_an_mlp_for_one_sample_and_for_a_batch():
    mlp = eqx.nn.MLP(4, 3, 8, 2, key=jax.random.key(0))
    layers = ["layers/0", "layers/1", "layers/2"]
    one = follow(recognise(mlp), asked(normal(4)))
    batch = follow(recognise(eqx.filter_jit(eqx.filter_vmap(mlp))), asked(normal(5, 4)))
    by_call = JaxSubject.from_equinox(mlp, call=lambda mlp, x: jax.vmap(mlp)(x)).run(asked(normal(5, 4)))
    assert names(one, Role.LAYER) == names(batch, Role.LAYER) == layers
    assert [one[key(Role.LAYER, name)].shape for name in layers] == [(8,), (8,), (3,)]
    assert [batch[key(Role.LAYER, name)].shape for name in layers] == [(5, 8), (5, 8), (5, 3)]
    assert [batch[key(Role.LAYER_GRADIENT, name)].shape for name in layers] == [(5, 8), (5, 8), (5, 3)]
    assert list(by_call) == list(batch)
    assert names(one, Role.GRADIENT)[:2] == ["layers/0/weight", "layers/0/bias"]


def test_layers_of_a_convolution_have_the_batch_first():
    subject = recognise(eqx.filter_vmap(Conv(jax.random.key(0))))
    tensors = follow(subject, asked(normal(2, 3, 6, 6)))
    shapes = {name: tensors[key(Role.LAYER, name)].shape for name in names(tensors, Role.LAYER)}
    assert shapes["parts/0"] == shapes["parts/2"] == (2, 4, 4, 4)
    assert list(shapes) == ["parts/0", "parts/1", "parts/2", "parts/3", "head"]
    norm, eps = subject.layers()[1], 1e-5
    assert (norm.kind, norm.settings["eps"]) == ("GroupNorm", eps)


def test_attention():
    attention = eqx.nn.MultiheadAttention(2, 6, key=jax.random.key(0))
    subject = JaxSubject.from_equinox(attention, call=lambda module, x: module(x, x, x))
    tensors = subject.run(asked(normal(4, 6)))
    assert names(tensors, Role.LAYER) == ["query_proj", "key_proj", "value_proj", "dropout", "output_proj"]


def test_a_state_goes_in_and_out():
    class Normed(eqx.Module):
        linear: eqx.nn.Linear
        norm: eqx.nn.BatchNorm

        def __call__(self, x, state):
            return self.norm(self.linear(x), state)

    def make():
        return Normed(eqx.nn.Linear(4, 3, key=jax.random.key(0)), eqx.nn.BatchNorm(3, "batch", mode="batch"))

    module, state = eqx.nn.make_with_state(make)()
    mapped = eqx.filter_vmap(module, in_axes=(0, None), out_axes=(0, None), axis_name="batch")
    subject = recognise((mapped, state))
    tensors = follow(subject, asked(normal(5, 4)))
    assert list(subject.state()) == names(tensors, Role.STATE)
    assert any(tensors[key(Role.STATE, name)].any() for name in subject.state())
    assert names(tensors, Role.LAYER)[:2] == ["linear", "norm.0"]


def test_what_hides_parameters_is_refused():
    mlp = eqx.nn.MLP(4, 3, 8, 2, key=jax.random.key(0))
    for wrapper in (jax.vmap, jax.jit):
        with pytest.raises(ModelError, match=r"hide the parameters of MLP: use equinox.filter_vmap"):
            recognise(wrapper(mlp))


def test_integers_and_functions_among_the_leaves_stay():
    class Table(eqx.Module):
        rows: jax.Array
        order: jax.Array
        activation: object

        def __call__(self, i):
            return self.activation(self.rows[self.order[i]])

    table = Table(jnp.asarray(normal(4, 3)), jnp.arange(4)[::-1], jax.nn.tanh)
    tensors = follow(recognise(table), asked(np.array([0, 3])))
    assert names(tensors, Role.GRADIENT) == ["rows"]
