"""What goes into the layers that are asked for: Linen, NNX and Equinox; a tag is a value's name alone."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
nn = pytest.importorskip("flax.linen")
nnx = pytest.importorskip("flax.nnx")
eqx = pytest.importorskip("equinox")

from samestep.models.jax import JaxSubject, from_function  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import asked, key, mlp, mlp_params, names, normal  # noqa: E402


class Linen(nn.Module):
    """A lookup and a layer that is used twice."""

    @nn.compact
    def __call__(self, index):
        x = nn.Embed(7, 4, name="embed")(index)
        twice = nn.Dense(4, name="dense")
        return twice(jax.numpy.tanh(twice(x)))


def linen():
    module, index = Linen(), np.arange(3)
    return JaxSubject.from_linen(module, module.init(jax.random.key(0), index)), "embed", "dense", index


def nnx_module():
    module = nnx.Sequential(nnx.Linear(4, 6, rngs=nnx.Rngs(0)), nnx.Linear(6, 2, rngs=nnx.Rngs(1)))
    return JaxSubject.from_nnx(module), "layers/0", "layers/1", normal(3, 4)


def equinox():
    keys = jax.random.split(jax.random.key(0))
    module = eqx.nn.Sequential([eqx.nn.Linear(4, 6, key=keys[0]), eqx.nn.Linear(6, 2, key=keys[1])])
    return JaxSubject.from_equinox(module), "layers/0", "layers/1", normal(4)


@pytest.mark.parametrize("made", [linen, nnx_module, equinox])
def test_the_inputs_of_layers(made):
    subject, first, second, x = made()
    free = subject.run(asked(x))
    question = asked(x, inputs_of=frozenset({first, second}))
    run, exact = subject.run(question), subject.program(question).exact()
    assert list(run) == list(exact)
    assert names(run, Role.LAYER_INPUT) == [f"{first}.0", f"{second}.0"]
    assert [name for name in run if name.role is not Role.LAYER_INPUT] == list(free)
    assert np.array_equal(exact[key(Role.LAYER_INPUT, f"{first}.0")], x)
    assert np.array_equal(exact[key(Role.LAYER_INPUT, f"{second}.0")], exact[key(Role.LAYER, first)])


def test_forced_values_are_not_rounded():
    """The candidate's exact values are: else each layer after them would seem another function."""
    subject, first, second, x = nnx_module()
    value = normal(3, 6).astype(np.float64) / 3
    question = asked(x, forced={key(Role.LAYER, first): value}, inputs_of=frozenset({second}))
    assert np.array_equal(subject.program(question).exact()[key(Role.LAYER_INPUT, f"{second}.0")], value)


def test_a_tag_has_no_inputs():
    subject = from_function(mlp, mlp_params())
    tensors = subject.run(asked(normal(5, 4), inputs_of=frozenset({"hidden"})))
    assert not names(tensors, Role.LAYER_INPUT)
