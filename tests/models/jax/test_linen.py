"""Flax Linen modules: layers by interception, collections, modes, and dropout's keys."""

from __future__ import annotations

import functools

import numpy as np
import pytest

jax = pytest.importorskip("jax")
nn = pytest.importorskip("flax.linen")

from samestep.models.jax import JaxSubject, from_function, recognise  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import asked, follow, key, names, normal, same  # noqa: E402


class Net(nn.Module):
    """A dense layer that is used twice, batch norm, dropout and attention."""

    train: bool = False

    @nn.compact
    def __call__(self, x):
        x = nn.BatchNorm(use_running_average=not self.train, momentum=0.9)(x)
        x = nn.Dropout(0.25, deterministic=not self.train)(x)
        dense = nn.Dense(6, name="dense")
        x = nn.gelu(dense(nn.gelu(dense(x))))
        return nn.MultiHeadDotProductAttention(2, name="attention")(x[None])[0]


@pytest.fixture(scope="module")
def variables():
    return jax.jit(Net().init)(jax.random.key(0), normal(4, 6))


@pytest.fixture(scope="module")
def evaluated(variables):
    return JaxSubject.from_linen(Net(), variables)


def test_names_are_paths_and_collections(evaluated):
    subject, tensors = evaluated, follow(evaluated, asked(normal(4, 6)))
    attention = [f"attention/{part}" for part in ("query", "key", "value", "out")]
    called = ["BatchNorm_0", "Dropout_0", "dense", "dense#2", *attention, "attention"]
    assert names(tensors, Role.LAYER) == called
    assert names(tensors, Role.LAYER_GRADIENT) == called[::-1]
    assert {"BatchNorm_0/scale", "dense/kernel", "attention/query/kernel"} <= subject.parameters().keys()
    assert list(subject.state()) == ["batch_stats/BatchNorm_0/mean", "batch_stats/BatchNorm_0/var"]
    layers = {layer.name: layer for layer in subject.layers()}
    assert list(layers) == [name for name in called if name != "dense#2"]
    assert layers["BatchNorm_0"].kind == "BatchNorm"
    settings, made = layers["BatchNorm_0"].settings, {"momentum": 0.9, "epsilon": 1e-5, "use_bias": True}
    assert made.items() <= settings.items()


def test_eval_mode_keeps_the_state_and_train_mode_moves_it(variables, evaluated):
    question, mean = asked(normal(4, 6)), key(Role.STATE, "batch_stats/BatchNorm_0/mean")
    assert not evaluated.run(question)[mean].any()
    bound = Net(train=True).bind(variables, rngs={"dropout": jax.random.key(1)})
    trained = recognise(bound)
    assert follow(trained, question)[mean].any()
    assert same(trained.run(question), trained.run(question))


def test_all_ways_to_say_the_same_module():
    question, module = asked(normal(4, 6)), nn.Sequential([nn.Dense(3)])
    variables = module.init(jax.random.key(0), normal(4, 6))
    first, *others = (
        JaxSubject.from_linen(module, variables),
        recognise((module, variables)),
        recognise(module.bind(variables)),
        recognise((module.apply, variables)),
        from_function(module.apply, variables),
        from_function(functools.partial(module.apply, rngs={}), variables),
    )
    assert list(first.parameters()) == ["layers_0/bias", "layers_0/kernel"]
    assert all(same(first.run(question), other.run(question)) for other in others)


def test_a_function_around_a_module_shows_its_layers():
    module = nn.Sequential([nn.Dense(3), nn.relu, nn.LayerNorm()])
    params = module.init(jax.random.key(0), normal(4, 6))["params"]
    tensors = from_function(lambda params, x: 2 * module.apply({"params": params}, x), params).run(
        asked(normal(4, 6))
    )
    assert names(tensors, Role.LAYER) == ["layers_0", "layers_2"]


def test_missing_keys_and_variables_are_said(variables):
    with pytest.raises(ModelError, match="pass deterministic=True, or rngs="):
        JaxSubject.from_linen(Net(train=True), variables).run(asked(normal(4, 6)))
    with pytest.raises(ModelError, match=r"Net has no variables: pass module.bind\(variables\)"):
        recognise(Net())
    with pytest.raises(ModelError, match=r"Linen Net raised TypeError: sub got incompatible shapes"):
        JaxSubject.from_linen(Net(), variables).run(asked(normal(4, 5)))


def test_a_scanned_module_has_a_call_for_each_turn():
    class Cell(nn.Module):
        @nn.compact
        def __call__(self, carry, x):
            carry = nn.tanh(nn.Dense(3, name="dense")(carry) + x)
            return carry, carry

    class Scanned(nn.Module):
        @nn.compact
        def __call__(self, x):
            cells = nn.scan(Cell, {"params": 0}, split_rngs={"params": True}, length=4)
            return cells(name="cells")(x, np.zeros((4, 3), np.float32))

    variables = Scanned().init(jax.random.key(0), normal(3))
    tensors = follow(JaxSubject.from_linen(Scanned(), variables), asked(normal(3)))
    dense = ["cells/dense", *(f"cells/dense#{turn}" for turn in (2, 3, 4))]
    assert [name for name in names(tensors, Role.LAYER) if "dense" in name] == dense
    assert {"cells.0", "cells.1"} <= set(names(tensors, Role.LAYER))
