"""Two NumPy functions, compared from end to end: no framework is needed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import samestep

W = np.random.default_rng(1).standard_normal((12, 7)).astype(np.float32)
X = np.random.default_rng(2).standard_normal((5, 12)).astype(np.float32)


def reference(params, x):
    return np.tanh(x @ params["w"])


def compare(call, **options):
    model = samestep.Model(reference, {"w": W}, framework="numpy")
    return samestep.compare(samestep.Model(call, {"w": W}, framework="numpy"), model, (X,), **options)


def test_the_same_function_agrees():
    result = compare(lambda p, x: np.tanh((p["w"].T @ x.T).T))
    assert result.verdict == "agree"
    assert result.passed
    assert str(result).startswith("agree: 1 output")


def test_another_function_disagrees_at_the_output():
    result = compare(lambda p, x: np.tanh(x @ p["w"]) * np.float32(1.001))
    assert result.verdict == "disagree"
    assert result.first is not None
    assert result.first.exact
    assert str(result).startswith("disagree: first output")


def test_the_right_function_in_weaker_arithmetic_is_weaker():
    """E[x^2] - E[x]^2 is the variance, and cancels where the mean is large."""

    def two_pass(x):
        return np.square(x - x.mean(-1, keepdims=True)).mean(-1)

    def one_pass(x):
        return np.square(x).mean(-1) - np.square(x.mean(-1))

    def compared(**options):
        sides = (samestep.Model(call, framework="numpy") for call in (one_pass, two_pass))
        return samestep.compare(*sides, (X + np.float32(100),), variants=False, **options)

    assert compared().verdict == "weaker"
    assert not compared().passed
    assert compared(contract="weaker").passed
    assert "(declared)" in str(compared(contract="weaker"))


def test_what_the_reference_cannot_be_asked_abstains():
    def running_products(params, x):
        return np.cumprod(x @ params["w"], axis=0)

    model = samestep.Model(running_products, {"w": W}, framework="numpy")
    result = samestep.compare(model, model, (X,))
    assert result.verdict == "abstains"
    assert "np.cumprod" in str(result.reason)
    with pytest.warns(samestep.NotExamined, match=r"np\.cumprod"):
        samestep.assert_agreement(model, model, (X,))
    with pytest.raises(samestep.AgreementError, match=r"np\.cumprod"):
        samestep.assert_agreement(model, model, (X,), strict=True)


def test_assert_agreement_raises_with_the_result_and_the_message():
    wrong = samestep.Model(lambda p, x: x @ p["w"], {"w": W}, framework="numpy")
    model = samestep.Model(reference, {"w": W}, framework="numpy")
    with pytest.raises(AssertionError, match="the port of today") as caught:
        samestep.assert_agreement(wrong, model, (X,), msg="the port of today")
    assert caught.value.result.verdict == "disagree"


def test_a_result_is_a_table_a_document_and_a_page():
    result = compare(lambda p, x: x @ p["w"])
    assert list(result.tensors["state"]) == ["disagree"]
    document = json.loads(result.to_json())
    assert document["verdict"] == "disagree"
    assert document["first"]["tensor"] == "output"
    assert "<svg" in result._repr_html_()
    assert "NumPy" in result.explain()


def test_a_candidate_that_changes_its_inputs_is_named():
    def greedy(p, x):
        out = np.tanh(x @ p["w"])
        x *= 2
        return out

    with pytest.raises(samestep.ModelError, match=r"candidate: .* changes an array"):
        compare(greedy)


def test_limits_print_what_a_tolerance_needs():
    limits = samestep.limits(samestep.Model(reference, {"w": W}, framework="numpy"), (X,))
    row = limits["output"]
    assert 0 < row.sigma <= row.worst < row.least_atol
    got = reference({"w": W}, X)
    exact = np.tanh(X.astype(np.float64) @ W.astype(np.float64))
    assert 0 < np.abs(got - exact).max() < row.least_atol
    assert "atol at least" in str(limits)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rtol": 1}, "takes no rtol"),
        ({"frobnicate": 1}, "unexpected keyword argument 'frobnicate'"),
    ],
)
def test_keywords_that_do_not_exist(options, text):
    with pytest.raises(TypeError, match=text):
        compare(reference, **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"contract": "int8"}, "contract='int8' is not one of"),
        ({"loss": "hinge", "targets": np.ones(5)}, "loss='hinge' is not one of"),
        ({"loss": "mse"}, "a loss needs targets"),
        ({"targets": np.ones(5)}, "targets without a loss"),
        ({"replicas": 3}, "replicas=3 is not a whole number of at least 8"),
        ({"seed": -1}, "seed=-1"),
        ({"optimizer": "adam"}, "optimizer= takes a pair"),
        ({"steps": 0}, "steps=0"),
    ],
)
def test_bad_options_are_one_line(options, text):
    with pytest.raises(samestep.ModelError, match=text) as caught:
        compare(reference, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ((None,), r"inputs\[0\] is NoneType"),
        (("text",), r"inputs\[0\] is str"),
        ((np.ones(3, complex),), "complex128"),
        ({"x": object()}, "x is an object"),
    ],
)
def test_bad_inputs_are_named(inputs, text):
    model = samestep.Model(reference, {"w": W}, framework="numpy")
    with pytest.raises(samestep.ModelError, match=text):
        samestep.compare(model, model, inputs)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (None, "candidate is NoneType, which is no model"),
        (dict, "candidate is the class dict"),
        (samestep.Model(lambda p, x: 1 / 0, {}, framework="numpy"), "candidate.*ZeroDivisionError"),
    ],
)
def test_bad_candidates_are_named(model, text):
    with pytest.raises(samestep.ModelError, match=text):
        samestep.compare(model, samestep.Model(reference, {"w": W}, framework="numpy"), (X,))
