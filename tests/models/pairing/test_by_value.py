"""Parameters are found by their values: transposed, reshaped, fused, stacked; and nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samestep.models.pairing.parameter_map import ParameterMap

ml_dtypes = pytest.importorskip("ml_dtypes")


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def uniform(*shape: int, seed: int = 0) -> np.ndarray:
    """As torch draws: 24 bits, so that numbers repeat in a few thousand draws."""
    return np.random.default_rng([seed, *shape]).random(shape, dtype=np.float32) * 2 - 1


def exact(found: ParameterMap, reference: dict, candidate: dict) -> None:
    """The map makes the candidate's values, and moves other values alike."""
    made = found.apply(reference)
    assert not found.unmapped
    assert made.keys() == candidate.keys()
    for name, value in candidate.items():
        np.testing.assert_array_equal(made[name], value)


LAYOUTS = {
    "Linear and Dense": ((12, 7), lambda w: w.T, "transposed (1, 0)"),
    "Conv2d and flax Conv": ((8, 4, 3, 3), lambda w: w.transpose(2, 3, 1, 0), "transposed (2, 3, 1, 0)"),
    "Conv1d and flax Conv": ((8, 4, 5), lambda w: w.transpose(2, 1, 0), "transposed (2, 1, 0)"),
    "1 x 1": ((8, 4, 1, 1), lambda w: w.transpose(2, 3, 1, 0), "transposed (2, 3, 1, 0)"),
    "attention, split heads": ((16, 16), lambda w: w.T.reshape(16, 4, 4), "transposed and reshaped"),
    "attention, merged heads": ((16, 2, 8), lambda w: w.reshape(16, 16), "reshaped"),
    "out projection": ((16, 16), lambda w: w.T.reshape(4, 4, 16), "transposed and reshaped"),
    "the same": ((5, 6), lambda w: w, "as it is"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("draw", [normal, uniform])
def test_layouts_of_frameworks(layout, draw):
    shape, arrange, how = LAYOUTS[layout]
    reference = {"a.weight": draw(*shape), "b.weight": draw(*shape, seed=1), "c.weight": draw(30, 30)}
    candidate = {"one": arrange(reference["b.weight"]), "two": arrange(reference["a.weight"])}
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    assert {name: link.sources for name, link in found.links.items()} == {
        "one": ("b.weight",),
        "two": ("a.weight",),
    }
    assert all(link.how == how and link.bijective for link in found.links.values())
    assert found.reference_only == ("c.weight",)
    gradient = {name: np.random.default_rng(2).standard_normal(v.shape) for name, v in reference.items()}
    np.testing.assert_array_equal(found.apply(gradient)["one"], arrange(gradient["b.weight"]))
    assert found.apply(gradient)["one"].dtype == np.float64
    back = found.to_reference(found.apply(gradient))
    np.testing.assert_array_equal(back["b.weight"], gradient["b.weight"])
    assert "c.weight" not in back


@pytest.mark.parametrize("draw", [normal, uniform])
def test_a_fused_projection_takes_its_bias_along(draw):
    reference = {
        f"attn.{n}_proj.{kind}": draw(32, 32, seed=i) if kind == "weight" else np.zeros(32, np.float32)
        for i, n in enumerate("qkv")
        for kind in ("weight", "bias")
    }
    fused = np.concatenate([reference[f"attn.{n}_proj.weight"].T for n in "vqk"], axis=1)
    candidate = {"Attn_0/qkv/kernel": fused, "Attn_0/qkv/bias": np.zeros(96, np.float32)}
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    gradient = {name: normal(*value.shape, seed=hash(name) % 99) for name, value in reference.items()}
    expected = np.concatenate([gradient[f"attn.{n}_proj.bias"] for n in "vqk"])
    np.testing.assert_array_equal(found.apply(gradient)["Attn_0/qkv/bias"], expected)


def test_a_split_projection_takes_its_bias_along():
    reference = {"attn.in_proj_weight": uniform(96, 32), "attn.in_proj_bias": np.zeros(96, np.float32)}
    candidate = {}
    for i, n in enumerate("qkv"):
        candidate[f"{n}/kernel"] = reference["attn.in_proj_weight"][32 * i : 32 * i + 32].T
        candidate[f"{n}/bias"] = np.zeros(32, np.float32)
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    assert found.links["k/bias"].how == "rows 32:64 of attn.in_proj_bias"
    assert found.links["v/kernel"].how == "rows 64:96 of attn.in_proj_weight, transposed (1, 0)"
    assert found.to_reference(candidate).keys() == reference.keys()


def test_columns_are_named():
    reference = {"c_attn.weight": normal(8, 24)}
    found = ParameterMap.by_value(reference, {"k": reference["c_attn.weight"][:, 8:16]})
    assert found.links["k"].how == "columns 8:16 of c_attn.weight"


@pytest.mark.parametrize(("order", "gates"), [((0, 1, 3, 2), 4), ((1, 0, 2), 3)])
def test_gates_in_another_order(order, gates):
    """PyTorch's LSTM has i, f, g, o; others have i, f, o, g. GRUs have r, z, n or z, r, n."""
    reference = {"rnn.weight_ih_l0": uniform(gates * 8, 5), "rnn.weight_hh_l0": uniform(gates * 8, 8)}
    candidate = {
        "kernel": np.concatenate(
            [np.split(reference["rnn.weight_ih_l0"], gates)[i].T for i in order], axis=1
        ),
        "recurrent": np.concatenate(
            [np.split(reference["rnn.weight_hh_l0"], gates)[i].T for i in order], axis=1
        ),
    }
    exact(ParameterMap.by_value(reference, candidate), reference, candidate)


def test_scan_over_layers():
    reference = {}
    for i in range(12):
        reference |= {f"h.{i}.fc.weight": uniform(24, 16, seed=i), f"h.{i}.fc.bias": np.zeros(24, np.float32)}
        reference |= {f"h.{i}.ln.weight": np.ones(16, np.float32), f"h.{i}.ln.bias": np.zeros(16, np.float32)}
    stack = lambda name: np.stack([reference[f"h.{i}.{name}"] for i in range(12)])  # noqa: E731
    candidate = {
        "layers/fc/kernel": stack("fc.weight").swapaxes(1, 2),
        "layers/fc/bias": stack("fc.bias"),
        "layers/ln/scale": stack("ln.weight"),
        "layers/ln/bias": stack("ln.bias"),
    }
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    assert found.links["layers/ln/scale"].how == "made of h.0.ln.weight to h.11.ln.weight (12 tensors)"


def test_rows_in_another_order_are_followed():
    """The same values in another order are this tensor: whether the order is right, the outputs say."""
    reference = {"w": normal(40, 6)}
    order = np.random.default_rng(0).permutation(40)
    candidate = {"w": reference["w"][order]}
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    assert found.links["w"].how == "elements of w in another order"


def test_a_square_kernel_is_as_its_values_say():
    reference = {"w": normal(16, 16), "v": normal(16, 16, seed=1)}
    found = ParameterMap.by_value(reference, {"same": reference["w"], "turned": reference["v"].T})
    assert found.links["same"].how == "as it is"
    assert found.links["turned"].how == "transposed (1, 0)"


@pytest.mark.parametrize(
    ("flip", "how"),
    [
        (lambda w: w[::-1, ::-1], "flipped along (0, 1)"),
        (lambda w: w[:, ::-1], "flipped along (1,)"),
        (lambda w: w.transpose(2, 3, 1, 0)[:, :, ::-1], "transposed (2, 3, 1, 0), flipped along (2,)"),
    ],
)
def test_a_flipped_kernel_is_never_called_the_same(flip, how):
    reference = {"w": normal(3, 4, 2, 5)}
    candidate = {"w": flip(reference["w"])}
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    assert found.links["w"].how == how


def test_padding_adds_zeros_that_have_no_gradient():
    reference = {"wte": uniform(50, 8)}
    candidate = {"embedding": np.pad(reference["wte"], ((0, 14), (0, 0)))}
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    gradient = {"embedding": normal(64, 8)}
    compared = found.comparable(gradient)["embedding"]
    np.testing.assert_array_equal(compared[:50], gradient["embedding"][:50])
    assert not compared[50:].any()


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
def test_half_precision_compares_rounded_values(dtype):
    reference = {f"{n}.weight": normal(32, 32, seed=i) for i, n in enumerate("qkv")}
    reference |= {"up.weight": normal(64, 32), "conv.weight": normal(8, 4, 3, 3)}
    candidate = {
        "qkv": np.concatenate([reference[f"{n}.weight"].T for n in "qkv"], axis=1).astype(dtype),
        "up": reference["up.weight"].T.astype(dtype),
        "conv": reference["conv.weight"].transpose(2, 3, 1, 0).astype(dtype),
    }
    found = ParameterMap.by_value(reference, candidate)
    made = found.apply(reference)
    assert not found.unmapped
    for name in candidate:
        np.testing.assert_array_equal(made[name].astype(dtype), candidate[name])


def test_one_weight_that_differs_is_told():
    reference = {"w": normal(30, 20), "v": normal(30, 20, seed=1)}
    wrong = reference["w"].T.copy()
    wrong[3, 4] *= np.float32(1.001)
    found = ParameterMap.by_value(reference, {"w": wrong})
    assert found.links["w"].sources == ("w",)
    np.testing.assert_array_equal(found.apply(reference)["w"], reference["w"].T)
    assert found.differing["w"].startswith("1 of 600 values differ, at [3, 4] ")


def test_what_is_nowhere_is_listed():
    reference = {"w": normal(30, 20), "other": normal(4, 4)}
    found = ParameterMap.by_value(reference, {"w": reference["w"], "own": normal(30, 20, seed=9)})
    assert found.unmapped == {"own": "its values are not among the reference's"}
    assert found.reference_only == ("other",)


def test_chance_is_not_believed():
    """In a model of millions of numbers of 24 bits, some of an unrelated tensor's are found somewhere."""
    reference = {"big": uniform(2000, 2000)}
    candidate = {f"own.{i}": uniform(n, seed=77 + i) for i, n in enumerate((2, 3, 8, 100, 4000))}
    assert ParameterMap.by_value(reference, candidate).unmapped.keys() == candidate.keys()


def test_two_hundred_parameters():
    reference = {f"h.{i}.w": uniform(48, 64, seed=i) for i in range(100)}
    reference |= {f"h.{i}.b": np.zeros(48, np.float32) for i in range(100)}
    candidate = {f"Block_{i}/kernel": reference[f"h.{i}.w"].T for i in reversed(range(100))}
    candidate |= {f"Block_{i}/bias": reference[f"h.{i}.b"] for i in range(100)}
    found = ParameterMap.by_value(reference, candidate)
    exact(found, reference, candidate)
    assert all(found.links[f"Block_{i}/bias"].sources == (f"h.{i}.b",) for i in range(100))


@st.composite
def rearranged(draw):
    """A set of tensors, and the same elements transposed, reshaped, split, stacked, joined."""
    count = draw(st.integers(1, 4))
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    reference = {f"p{i}": rng.standard_normal((2, *shape)).astype(np.float32) for i in range(count)}
    tensors = [*reference.values()]
    for _ in range(draw(st.integers(0, 5))):
        step = draw(st.sampled_from(["transpose", "reshape", "split", "stack", "join"]))
        at = draw(st.integers(0, len(tensors) - 1))
        one = tensors[at]
        if step == "transpose":
            tensors[at] = one.transpose(draw(st.permutations(range(one.ndim))))
        elif step == "reshape":
            tensors[at] = one.reshape(-1) if draw(st.booleans()) else one.reshape(*one.shape[:-1], -1, 1)
        elif step == "split":
            axis = int(np.argmax(one.shape))
            parts = np.array_split(one, 2, axis)
            tensors[at : at + 1] = [part for part in parts if part.size]
        else:
            like = [other for other in tensors if other.shape == one.shape]
            rest = [other for other in tensors if other.shape != one.shape]
            joined = np.stack(like, -1) if step == "stack" else np.concatenate(like, 0)
            tensors = [*rest, joined]
    return reference, {f"c{i}": np.ascontiguousarray(tensor) for i, tensor in enumerate(tensors)}


@settings(max_examples=150, deadline=None)
@given(rearranged())
def test_any_rearrangement_is_recovered(case):
    reference, candidate = case
    found = ParameterMap.by_value(reference, candidate)
    large = {name for name, value in candidate.items() if value.size > 2}
    assert not large & found.unmapped.keys()
    rng = np.random.default_rng(0)
    order = {name: rng.permutation(value.size).reshape(value.shape) for name, value in reference.items()}
    made, places = found.apply(reference), found.apply(order)
    for name in found.links:
        np.testing.assert_array_equal(made[name], candidate[name])
        assert places[name].shape == candidate[name].shape
    if not found.unmapped:
        back = found.to_reference(candidate)
        assert back.keys() == reference.keys()
        for name, value in reference.items():
            np.testing.assert_array_equal(back[name], value)
        assert all(link.bijective for link in found.links.values())
