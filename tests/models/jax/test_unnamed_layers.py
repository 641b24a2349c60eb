"""JAX code that names no layers: the other side's layers are found among the values that it computes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

import samestep  # noqa: E402

X = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(8, 8),
        torch.nn.LayerNorm(8),
        torch.nn.Tanh(),
        torch.nn.Linear(8, 8),
        torch.nn.Linear(8, 3),
    )


@pytest.fixture(scope="module")
def weights(model):
    return {name: value.detach().numpy() for name, value in model.named_parameters()}


def port(eps=1e-5, turned=False, centred=True):
    """The same network as a function that names nothing, jitted in part, with the mistakes asked for."""

    @jax.jit
    def norm(x, w, b):
        centre = x.mean(-1, keepdims=True) if centred else 0.0
        variance = ((x - centre) ** 2).mean(-1, keepdims=True)
        return (x - centre) / jnp.sqrt(variance + eps) * w + b

    def call(w, x):
        h = norm(x @ w["0.weight"].T + w["0.bias"], w["1.weight"], w["1.bias"])
        kernel = w["3.weight"] if turned else w["3.weight"].T
        h = jnp.tanh(h) @ kernel + w["3.bias"]
        h = jnp.concatenate([h[:, :0], h], axis=-1)  # a value without elements is no layer
        return h @ w["4.weight"].T + w["4.bias"]

    return call


def test_a_small_mistake_is_found_at_its_layer_and_named(model, weights):
    result = samestep.compare(samestep.Model(port(eps=1e-3), weights), model, (X,))
    assert result.first.layer == "1"
    assert result.first.inputs_agree
    assert "1e-3" in str(result.diagnosis)
    assert [fault.layer for fault in result.faults] == ["1"]
    assert "no value of the candidate is 1 (LayerNorm): compared with" in result.explain()


def test_a_layer_that_is_far_off_is_found_by_what_follows_from_it(model, weights):
    result = samestep.compare(samestep.Model(port(turned=True), weights), model, (X,))
    assert result.first.layer == "3"
    assert [fault.layer for fault in result.faults] == ["3"]
    assert "no value of the candidate is 3 (Linear): compared with" in str(result)
    assert "test_unnamed_layers.py" in str(result)


def test_the_reference_may_be_the_one_that_names_nothing(model, weights):
    result = samestep.compare(model, samestep.Model(port(centred=False), weights), (X,))
    assert result.first.layer == "1"
    assert "the reference names no layers: 1 of 5 were found among its values" in result.explain()


def test_correct_code_is_not_searched(model, weights):
    result = samestep.compare(samestep.Model(port(), weights), model, (X,))
    assert result.verdict == "agree"
    assert not result.layers


def test_where_neither_side_names_layers_the_line_of_the_reference_is_found(weights):
    def with_library_norm(w, x):
        h = x @ w["0.weight"].T + w["0.bias"]
        h = torch.nn.functional.layer_norm(h, (8,), w["1.weight"], w["1.bias"], eps=1e-3)
        h = torch.tanh(h) @ w["3.weight"].T + w["3.bias"]
        return h @ w["4.weight"].T + w["4.bias"]

    of_torch = samestep.Model(with_library_norm, {name: torch.tensor(w) for name, w in weights.items()})
    for candidate in (samestep.Model(port(eps=1e-3), weights), of_torch):
        result = samestep.compare(candidate, samestep.Model(port(), weights), (X,))
        assert result.verdict == "disagree"
        assert "test_unnamed_layers.py" in result.first.layer
        assert result.first.inputs_agree
        assert any("neither side names layers" in note for note in result.coverage.notes)
