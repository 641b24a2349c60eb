"""All tensors of a run through one set of links: values, gradients, updates, and back."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.models.pairing.correspondence import Correspondence
from samestep.models.pairing.layers import pair_layers
from samestep.models.pairing.outputs import pair_outputs
from samestep.models.pairing.parameter_map import ParameterMap
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def key(role: Role, name: str) -> TensorKey:
    return TensorKey(role, name)


PARAMETERS = {"wte": normal(20, 4).astype(np.float32), "w": normal(6, 4).astype(np.float32)}
OWN = {"embed": PARAMETERS["wte"], "head": PARAMETERS["wte"].T, "kernel": PARAMETERS["w"].T}
LAYERS = {"conv": normal(2, 3, 5, 7), "act": normal(2, 3)}
OWN_LAYERS = {"Conv_0": LAYERS["conv"].transpose(0, 2, 3, 1), "own": normal(2, 9)}
OUTPUTS = {"": normal(2, 20)}


def links() -> Correspondence:
    return Correspondence(
        parameters=ParameterMap.by_value(PARAMETERS, OWN),
        layers=pair_layers(LAYERS, OWN_LAYERS),
        outputs=pair_outputs(OUTPUTS, {"logits": OUTPUTS[""]}),
    )


REFERENCE = {
    key(Role.LAYER, "conv"): LAYERS["conv"],
    key(Role.LAYER, "act"): LAYERS["act"],
    key(Role.OUTPUT, ""): OUTPUTS[""],
    key(Role.LOSS, ""): np.array(0.5),
    key(Role.LAYER_GRADIENT, "conv"): normal(2, 3, 5, 7, seed=1),
    key(Role.INPUT_GRADIENT, "0"): normal(2, 4),
    key(Role.GRADIENT, "wte"): normal(20, 4, seed=1),
    key(Role.GRADIENT, "w"): normal(6, 4, seed=1),
    key(Role.UPDATE, "0:wte"): normal(20, 4, seed=2),
    key(Role.UPDATE, "0:w"): normal(6, 4, seed=2),
    key(Role.UPDATE, "1:w"): normal(6, 4, seed=3),
}


def test_every_role_goes_through():
    made = links().apply(REFERENCE)
    expected = {
        key(Role.LAYER, "Conv_0"): LAYERS["conv"].transpose(0, 2, 3, 1),
        key(Role.OUTPUT, "logits"): OUTPUTS[""],
        key(Role.LOSS, ""): np.array(0.5),
        key(Role.LAYER_GRADIENT, "Conv_0"): normal(2, 3, 5, 7, seed=1).transpose(0, 2, 3, 1),
        key(Role.INPUT_GRADIENT, "0"): normal(2, 4),
        key(Role.GRADIENT, "embed"): normal(20, 4, seed=1),
        key(Role.GRADIENT, "head"): normal(20, 4, seed=1).T,
        key(Role.GRADIENT, "kernel"): normal(6, 4, seed=1).T,
        key(Role.UPDATE, "0:embed"): normal(20, 4, seed=2),
        key(Role.UPDATE, "0:head"): normal(20, 4, seed=2).T,
        key(Role.UPDATE, "0:kernel"): normal(6, 4, seed=2).T,
        key(Role.UPDATE, "1:kernel"): normal(6, 4, seed=3).T,
    }
    assert list(made) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(made[name], value)
        assert made[name].dtype == np.float64


def test_the_candidates_own_are_compared_under_the_same_keys():
    got = links().apply(REFERENCE) | {key(Role.LAYER, "own"): OWN_LAYERS["own"]}
    compared = links().comparable(got)
    assert compared.keys() == links().apply(REFERENCE).keys()
    total = 2 * normal(20, 4, seed=1)
    np.testing.assert_array_equal(compared[key(Role.GRADIENT, "embed")], total)
    np.testing.assert_array_equal(compared[key(Role.GRADIENT, "head")], total.T)
    plain = compared.keys() - {key(Role.GRADIENT, "embed"), key(Role.GRADIENT, "head")}
    assert all(compared[name] is got[name] for name in plain)


def test_gradients_at_layers_come_in_the_order_of_the_backward_pass():
    forward = {"a": normal(2, 3), "b": normal(2, 3, seed=1)}
    layers = pair_layers(forward, {"one": forward["a"], "two": forward["b"]})
    backward = {key(Role.LAYER_GRADIENT, name): forward[name] for name in ("b", "a")}
    assert [name.name for name in Correspondence(layers=layers).apply(backward)] == ["two", "one"]


def test_what_the_candidate_says_goes_back():
    back = links().to_reference(links().apply(REFERENCE))
    assert back.keys() == REFERENCE.keys() - {key(Role.LAYER, "act")}
    for name, value in back.items():
        np.testing.assert_array_equal(value, REFERENCE[name])


def test_names_and_what_is_left():
    found = links()
    assert found.name_of(key(Role.UPDATE, "2:kernel")) == ((key(Role.UPDATE, "2:w"),), "transposed (1, 0)")
    assert found.name_of(key(Role.LAYER, "Conv_0")) == (
        (key(Role.LAYER, "conv"),), "transposed (0, 2, 3, 1)",
    )  # fmt: skip
    assert found.name_of(key(Role.LOSS, "")) == ((key(Role.LOSS, ""),), "as it is")
    with pytest.raises(KeyError):
        found.name_of(key(Role.LAYER, "own"))
    assert found.unmatched_candidate.keys() == {key(Role.LAYER, "own")}
    assert found.reference_only == (key(Role.LAYER, "act"),)
    assert found.unmatched_reference == ()
    fewer = ParameterMap.by_value(PARAMETERS, {"kernel": OWN["kernel"]})
    assert Correspondence(parameters=fewer).unmatched_reference == (key(Role.GRADIENT, "wte"),)


def test_outputs_by_path_or_place():
    a, b = normal(2, 3), normal(2, 5)
    assert pair_outputs({"y": b, "x": a}, {"x": a, "y": b}).links["x"].sources == ("x",)
    assert pair_outputs({"0": a, "1": b}, {"x": a, "y": b}).links["y"].sources == ("1",)


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        (normal(7, 2, 3), "the output of the candidate has shape (7, 2, 3), "
                          "the output of the reference (2, 3, 7): transpose the candidate's by (1, 2, 0)"),
        (normal(6, 7), "the output of the candidate has shape (6, 7), the output of the reference (2, 3, 7): "
                       "reshape the candidate's to (2, 3, 7)"),
        (normal(5), "the output of the candidate has shape (5,), the output of the reference (2, 3, 7)"),
    ],
)  # fmt: skip
def test_outputs_of_other_shapes(candidate, message):
    with pytest.raises(ModelError) as caught:
        pair_outputs({"": normal(2, 3, 7)}, {"": candidate})
    assert str(caught.value) == message


def test_outputs_that_are_not_as_many():
    with pytest.raises(ModelError, match=r"one output, the reference 2 outputs \('0', '1'\)"):
        pair_outputs({"0": normal(2), "1": normal(2)}, {"": normal(2)})
