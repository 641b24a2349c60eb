"""Zeros, ones, symmetric matrices and copies: told by module, name or gradient, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.models.pairing.parameter_map import ParameterMap

WIDTH = 24


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def gradients(reference, truth, size=2.0**-22):
    """The reference's exact gradients, and the candidate's float32 ones with errors of this relative size."""
    exact = {
        name: np.random.default_rng([i, 7]).standard_normal(value.shape)
        for i, (name, value) in enumerate(reference.items())
    }
    rng = np.random.default_rng(8)
    got = {
        name: (exact[source] * (1 + size * rng.standard_normal(exact[source].shape))).astype(np.float32)
        for name, source in truth.items()
    }
    return exact, got


def sources(found: ParameterMap) -> dict:
    return {name: link.sources[0] for name, link in found.links.items()}


def batch_norms():
    """Scales and shifts of three layers, all alike, with names that say nothing."""
    reference = {f"bn{i}.{kind}": value for i in range(3)
                 for kind, value in (("weight", ones(WIDTH)), ("bias", zeros(WIDTH)))}  # fmt: skip
    truth = {f"norm_{'xyz'[i]}/{kind}": f"bn{2 - i}.{theirs}" for i in range(3)
             for kind, theirs in (("scale", "weight"), ("offset", "bias"))}  # fmt: skip
    return reference, {name: reference[source] for name, source in truth.items()}, truth


def test_constants_alone_are_not_guessed():
    reference, candidate, _ = batch_norms()
    found = ParameterMap.by_value(reference, candidate)
    assert not found.links
    assert found.unmapped.keys() == candidate.keys()
    assert found.unmapped["norm_x/scale"] == "its values fit 'bn0.weight', 'bn1.weight', 'bn2.weight'"
    assert len(found.reference_only) == 6


def test_constants_are_told_by_their_gradients():
    reference, candidate, truth = batch_norms()
    found = ParameterMap.by_value(reference, candidate, *gradients(reference, truth))
    assert sources(found) == truth


def test_gradients_that_are_alike_tell_nothing():
    """Biases at two ends of a residual stream may have nearly the same gradient; or errors are large."""
    reference, candidate, truth = batch_norms()
    exact, got = gradients(reference, truth, size=2.0**-4)
    assert not ParameterMap.by_value(reference, candidate, exact, got).links
    same = dict.fromkeys(exact, exact["bn0.weight"])
    assert not ParameterMap.by_value(reference, candidate, same, dict.fromkeys(got, same["bn0.bias"])).links


def test_zero_gradients_tell_nothing():
    reference, candidate, truth = batch_norms()
    exact, got = gradients(reference, truth)
    exact = {name: 0 * value for name, value in exact.items()}
    got = {name: value * np.float32(2.0**-30) for name, value in got.items()}
    assert not ParameterMap.by_value(reference, candidate, exact, got).links


def test_two_of_the_candidates_with_one_gradient_tell_nothing():
    truth = {"x": "scale0", "y": "scale1", "z": "scale2"}
    reference = dict.fromkeys(truth.values(), ones(WIDTH))
    exact, got = gradients(reference, truth)
    got["y"] = got["x"]
    found = ParameterMap.by_value(reference, dict.fromkeys(truth, ones(WIDTH)), exact, got)
    assert sources(found) == {"z": "scale2"}


def test_scalars_are_told_by_their_gradients():
    reference = {f"gate{i}": zeros() for i in range(3)}
    truth = {"a": "gate2", "b": "gate0", "c": "gate1"}
    exact = {"gate0": np.array(0.3), "gate1": np.array(-1.7), "gate2": np.array(0.9)}
    got = {name: exact[source].astype(np.float32) for name, source in truth.items()}
    found = ParameterMap.by_value(reference, dict.fromkeys(truth, zeros()), exact, got)
    assert sources(found) == truth


@pytest.mark.parametrize("turned", [False, True])
def test_a_symmetric_matrix_is_told_by_its_gradient(turned):
    reference = {"w": np.eye(WIDTH, dtype=np.float32)}
    candidate = {"k": np.eye(WIDTH, dtype=np.float32)}
    assert not ParameterMap.by_value(reference, candidate).links
    exact = {"w": np.random.default_rng(0).standard_normal((WIDTH, WIDTH))}
    got = {"k": (exact["w"].T if turned else exact["w"]).astype(np.float32)}
    found = ParameterMap.by_value(reference, candidate, exact, got)
    assert found.links["k"].how == ("transposed (1, 0)" if turned else "as it is")


def blocks(count=3):
    """Blocks that were copied from one: the same values in each, as torch's encoder has."""
    one = {"attn.weight": normal(WIDTH, WIDTH), "attn.bias": zeros(WIDTH), "norm.weight": ones(WIDTH)}
    reference = {f"layers.{i}.{name}": value for i in range(count) for name, value in one.items()}
    named = {"attn.weight": "attn/kernel", "attn.bias": "attn/bias", "norm.weight": "norm/scale"}
    return reference, named


def test_copied_layers_are_told_by_name():
    reference, named = blocks()
    truth = {f"layers_{i}/{mine}": f"layers.{i}.{n}" for i in range(3) for n, mine in named.items()}
    candidate = {name: reference[source].T for name, source in truth.items()}
    assert sources(ParameterMap.by_value(reference, candidate)) == truth


def test_copied_layers_are_told_by_gradient():
    reference, named = blocks()
    truth = {f"block_{'abc'[i]}/{mine}": f"layers.{2 - i}.{n}" for i in range(3) for n, mine in named.items()}
    candidate = {name: reference[source] for name, source in truth.items()}
    assert not ParameterMap.by_value(reference, candidate).links
    assert sources(ParameterMap.by_value(reference, candidate, *gradients(reference, truth))) == truth


def test_a_name_against_a_gradient_decides_nothing():
    """Names in a Sequential count the activations as well: net.2 may be layers/1 or layers/2."""
    reference = {f"net.{i}.weight": ones(WIDTH) for i in (0, 2, 4)}
    truth = {f"layers/{i}/scale": f"net.{2 * i}.weight" for i in range(3)}
    candidate = dict.fromkeys(truth, ones(WIDTH))
    found = ParameterMap.by_value(reference, candidate, *gradients(reference, truth))
    assert all(truth[name] == source for name, source in sources(found).items())
    assert (
        found.unmapped["layers/2/scale"] == "by its name it is 'net.2.weight', by its gradient 'net.4.weight'"
    )


def test_a_bias_lies_beside_its_kernel():
    """Though its name says otherwise: net.2.bias is that of net.2, which is layers/1."""
    reference = {}
    for i in (0, 2, 4):
        reference |= {f"net.{i}.weight": normal(WIDTH, WIDTH, seed=i), f"net.{i}.bias": zeros(WIDTH)}
    truth = {f"layers/{i}/kernel": f"net.{2 * i}.weight" for i in range(3)}
    truth |= {f"layers/{i}/bias": f"net.{2 * i}.bias" for i in range(3)}
    candidate = {name: reference[source].T for name, source in truth.items()}
    assert sources(ParameterMap.by_value(reference, candidate)) == truth


def test_swapped_gradients_do_not_excuse_themselves():
    """Two biases are zero, and the candidate's backward pass swaps their gradients: kernels know better."""
    reference = {"a.weight": normal(WIDTH, 8), "a.bias": zeros(WIDTH),
                 "b.weight": normal(WIDTH, 9), "b.bias": zeros(WIDTH)}  # fmt: skip
    truth = {"x/kernel": "a.weight", "x/bias": "a.bias", "y/kernel": "b.weight", "y/bias": "b.bias"}
    exact, got = gradients(reference, truth)
    got["x/bias"], got["y/bias"] = got["y/bias"], got["x/bias"]
    candidate = {name: reference[source] for name, source in truth.items()}
    assert sources(ParameterMap.by_value(reference, candidate, exact, got)) == truth


def test_a_norm_lies_in_its_block():
    reference, truth = {}, {}
    for i in range(4):
        reference |= {f"h.{i}.fc.weight": normal(WIDTH, WIDTH, seed=i), f"h.{i}.ln.weight": ones(WIDTH)}
        truth |= {f"Block_{i}/Dense_0/kernel": f"h.{i}.fc.weight",
                  f"Block_{i}/LayerNorm_0/scale": f"h.{i}.ln.weight"}  # fmt: skip
    candidate = {name: reference[source] for name, source in truth.items()}
    assert sources(ParameterMap.by_value(reference, candidate)) == truth


def test_tied_weights_that_the_candidate_holds_twice():
    """Its two gradients add up to the reference's, and the sum stands at both."""
    reference = {"wte.weight": normal(40, 8)}
    candidate = {"embed/embedding": reference["wte.weight"], "head/kernel": reference["wte.weight"].T}
    found = ParameterMap.by_value(reference, candidate)
    assert {name: link.how for name, link in found.links.items()} == {
        "embed/embedding": "as it is",
        "head/kernel": "transposed (1, 0)",
    }
    assert not any(link.bijective for link in found.links.values())
    assert found.first_copies == {"embed/embedding"}
    parts = {"embed/embedding": normal(40, 8, seed=1), "head/kernel": normal(8, 40, seed=2)}
    total = parts["embed/embedding"].astype(np.float64) + parts["head/kernel"].T
    compared, expected = found.comparable(parts), found.apply({"wte.weight": total})
    np.testing.assert_array_equal(compared["embed/embedding"], total)
    for name in candidate:
        np.testing.assert_array_equal(compared[name], expected[name])
    np.testing.assert_array_equal(found.gradients_to_reference(parts)["wte.weight"], total)
    assert not found.comparable({"head/kernel": parts["head/kernel"]})


def test_zeros_of_which_the_reference_has_none():
    found = ParameterMap.by_value({"w": normal(8, WIDTH)}, {"w": normal(8, WIDTH), "bias": zeros(WIDTH)})
    assert found.unmapped == {"bias": "the reference has no such values left"}


def test_two_biases_of_an_lstm_are_told_by_nothing():
    """bias_ih and bias_hh have the same gradient, always: either will do, and none is claimed."""
    reference = {"lstm.weight_ih_l0": normal(32, 5), "lstm.weight_hh_l0": normal(32, 8),
                 "lstm.bias_ih_l0": zeros(32), "lstm.bias_hh_l0": zeros(32)}  # fmt: skip
    candidate = {"cell/wi": reference["lstm.weight_ih_l0"].T, "cell/wh": reference["lstm.weight_hh_l0"].T,
                 "cell/b": zeros(32)}  # fmt: skip
    found = ParameterMap.by_value(reference, candidate)
    assert sources(found).keys() == {"cell/wi", "cell/wh"}
    assert found.unmapped == {"cell/b": "its values fit 'lstm.bias_hh_l0', 'lstm.bias_ih_l0'"}


def test_running_statistics_lie_beside_their_scales():
    reference, candidate, truth = batch_norms()
    parameters = ParameterMap.by_value(reference, candidate, *gradients(reference, truth))
    own = {f"bn{i}.running_{kind}": value for i in range(3)
           for kind, value in (("mean", zeros(WIDTH)), ("var", ones(WIDTH)))}  # fmt: skip
    wanted = {f"norm_{'xyz'[i]}/{kind}": f"bn{2 - i}.running_{kind}" for i in range(3)
              for kind in ("mean", "var")}  # fmt: skip
    state = {name: own[source] for name, source in wanted.items()}
    assert sources(ParameterMap.by_value(own, state, known=parameters)) == wanted
    assert not ParameterMap.by_value(own, state).links


@pytest.mark.parametrize("heads", [(2, 4), (4, 2), (1, 8)])
def test_a_bias_of_several_axes_is_itself(heads):
    """Flax's attention has a bias for each head: no vector that lies along one axis of the kernel."""
    values = {"query/kernel": normal(8, *heads), "query/bias": zeros(*heads)}
    exact, got = gradients(values, {name: name for name in values})
    for found in (ParameterMap.by_value(values, values, exact, got), ParameterMap.by_value(values, values)):
        assert found.links["query/bias"].how == "as it is"
