"""A user's convert is followed element by element, and what is not linear is refused in one line."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.models.pairing.parameter_map import ParameterMap
from samestep.models.subject import ModelError

ml_dtypes = pytest.importorskip("ml_dtypes")


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


REFERENCE = {
    "q.weight": normal(16, 16), "k.weight": normal(16, 16, seed=1), "v.weight": normal(16, 16, seed=2),
    "conv.weight": normal(8, 4, 3, 3), "lstm.weight_ih_l0": normal(32, 5), "lstm.bias_ih_l0": normal(32),
    "lstm.bias_hh_l0": normal(32, seed=1), "wte.weight": normal(50, 8),
}  # fmt: skip


def convert(p):
    i, f, g, o = np.split(p["lstm.weight_ih_l0"], 4)
    return {
        "attn": {"qkv": np.concatenate([p[f"{n}.weight"].T for n in "qkv"], axis=1)},
        "conv": {"kernel": p["conv.weight"].transpose(2, 3, 1, 0)},
        "lstm": {
            "kernel": np.concatenate([i, f, o, g]).T,
            "bias": p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"],
        },
        "embed": np.pad(p["wte.weight"], ((0, 14), (0, 0))),
        "scaled": [p["wte.weight"] * np.float32(1 / 3), p["wte.weight"].T],
    }


CANDIDATE = {
    "attn/qkv": (16, 48), "conv/kernel": (3, 3, 4, 8), "lstm/kernel": (5, 32), "lstm/bias": (32,),
    "embed": (64, 8), "scaled/0": (50, 8), "scaled/1": (8, 50),
}  # fmt: skip


def candidate(sep="/"):
    return {name.replace("/", sep): np.zeros(shape, np.float32) for name, shape in CANDIDATE.items()}


def flat(tree):
    return {
        "attn/qkv": tree["attn"]["qkv"], "conv/kernel": tree["conv"]["kernel"],
        "lstm/kernel": tree["lstm"]["kernel"], "lstm/bias": tree["lstm"]["bias"], "embed": tree["embed"],
        "scaled/0": tree["scaled"][0], "scaled/1": tree["scaled"][1],
    }  # fmt: skip


@pytest.mark.parametrize("sep", ["/", "."])
def test_it_is_followed_element_by_element(sep):
    found = ParameterMap.from_convert(convert, REFERENCE, candidate(sep))
    made, expected = found.apply(REFERENCE), flat(convert(REFERENCE))
    for name, value in expected.items():
        np.testing.assert_array_equal(made[name.replace("/", sep)].astype(np.float32), value)
    assert not found.unmapped
    assert not found.reference_only
    how = {name: link.how for name, link in found.links.items()}
    assert how[f"conv{sep}kernel"] == "transposed (2, 3, 1, 0)"
    assert how[f"lstm{sep}bias"] == "lstm.bias_ih_l0 (as it is) + lstm.bias_hh_l0 (as it is)"
    assert how[f"scaled{sep}0"] == "0.333333 * wte.weight (as it is)"


def test_slices_of_one_parameter_are_added():
    """A GRU's two biases in one array, or a kernel's input channels that are summed."""
    reference = {
        "bias": np.rint(9 * normal(2, 6)),
        "kernel": np.rint(9 * normal(4, 3, 5)),
    }  # all sums are exact

    def added(p):
        return {
            "sum": p["bias"][0] + p["bias"][1], "difference": p["bias"][1] - p["bias"][0],
            "gray": 0.5 * p["kernel"].sum(1).T,
        }  # fmt: skip

    given = {name: np.zeros(np.shape(value)) for name, value in added(reference).items()}
    found = ParameterMap.from_convert(added, reference, given)
    for name, value in added(reference).items():
        np.testing.assert_array_equal(found.apply(reference)[name], value)
    assert found.links["sum"].how == "bias (rows 0:1 of bias, reshaped) + bias (rows 1:2 of bias, reshaped)"
    assert not found.links["sum"].bijective


def test_float64_goes_through_in_float64():
    """convert itself may make float32 of everything: it is not called again."""
    single = lambda p: {"w": np.asarray(p["w"], np.float32).T}  # noqa: E731
    found = ParameterMap.from_convert(single, {"w": normal(3, 4)}, {"w": np.zeros((4, 3))})
    values = {"w": np.random.default_rng(0).standard_normal((3, 4))}
    np.testing.assert_array_equal(found.apply(values)["w"], values["w"].T)


def test_gradients_go_back_by_the_transpose():
    """<A r, g> = <r, A' g>, and what is compared is A of both."""
    found = ParameterMap.from_convert(convert, REFERENCE, candidate())
    rng = np.random.default_rng(0)
    # Integers, so that all sums are exact; the factor 1/3 is left out.
    got = {name: rng.integers(-9, 10, shape).astype(np.float64) for name, shape in CANDIDATE.items()}
    got["scaled/0"][:] = 0
    back = found.transposed(found.links, got)
    r = {name: rng.integers(-9, 10, value.shape).astype(np.float64) for name, value in REFERENCE.items()}
    made = found.apply(r)
    assert sum((made[n] * got[n]).sum() for n in got) == sum((r[n] * back[n]).sum() for n in r)
    compared, expected = found.comparable(got), found.apply(back)
    for name in CANDIDATE:
        np.testing.assert_array_equal(compared[name], expected[name])
    np.testing.assert_array_equal(compared["conv/kernel"], got["conv/kernel"])
    np.testing.assert_array_equal(compared["lstm/bias"], 2 * got["lstm/bias"])


def test_what_the_candidate_says_of_the_reference():
    found = ParameterMap.from_convert(convert, REFERENCE, candidate())
    back = found.to_reference(flat(convert(REFERENCE)))
    assert back.keys() == REFERENCE.keys() - {"lstm.bias_ih_l0", "lstm.bias_hh_l0"}
    for name, value in back.items():
        np.testing.assert_array_equal(value, REFERENCE[name])


def test_half_precision_candidates():
    half = lambda p: {"w": p["w"].T.astype(ml_dtypes.bfloat16)}  # noqa: E731
    reference = {"other": normal(50, 60), "w": normal(300, 40)}
    found = ParameterMap.from_convert(half, reference, {"w": np.zeros((40, 300), ml_dtypes.bfloat16)})
    assert found.links["w"].how == "transposed (1, 0)"
    assert found.reference_only == ("other",)


def test_a_constant_is_no_counterpart():
    given = {"w": np.zeros((4, 3)), "scale": np.ones(5)}
    found = ParameterMap.from_convert(
        lambda p: {"w": p["w"].T, "scale": np.ones(5)}, {"w": normal(3, 4)}, given
    )
    assert found.unmapped == {"scale": "convert makes it of nothing that the reference has"}


MISTAKES = {
    "missing": (lambda p: {"a": p["w"]}, "convert does not return 'b', which the candidate has"),
    "extra": (lambda p: {"a": p["w"], "b": p["w"], "bias": p["w"]},
              "convert returns 'bias', which the candidate does not have; the nearest is 'b'"),
    "shape": (lambda p: {"a": p["w"], "b": p["w"].T},
              "convert returns 'b' of shape (4, 3), the candidate's is (3, 4) (a transpose fits)"),
    "name": (lambda p: {"a": p["weight"], "b": p["w"]},
             "convert asks for 'weight', which the reference does not have; the nearest is 'w'"),
    "raises": (lambda p: 1 / 0, "convert raises ZeroDivisionError: division by zero"),
    "nonlinear": (lambda p: {"a": np.exp(p["w"]), "b": p["w"]}, "convert is not linear: 'a' is not 0"),
    "square": (lambda p: {"a": p["w"] * p["w"], "b": p["w"]}, "convert: 'a' is not made of"),
    "folded": (lambda p: {"a": p["w"] * p["g"], "b": p["w"]}, "convert: 'a' is not made of"),
    "mixed": (lambda p: {"a": p["w"] @ normal(4, 4), "b": p["w"]}, "convert: 'a' is not made of"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line(mistake):
    function, message = MISTAKES[mistake]
    reference = {"w": normal(3, 4), "g": normal(4)}
    with pytest.raises(ModelError) as caught:
        ParameterMap.from_convert(function, reference, {"a": np.zeros((3, 4)), "b": np.zeros((3, 4))})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
