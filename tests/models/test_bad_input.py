"""What cannot be compared is said in one line, of the right type, whatever a person hands in."""

from __future__ import annotations

import numpy as np
import pytest

import samestep

W = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
X = np.random.default_rng(2).standard_normal((5, 4)).astype(np.float32)
CLASSES = np.arange(5) % 3


def linear(params, x):
    return x @ params["w"]


def model(call=linear, framework="numpy"):
    return samestep.Model(call, {"w": W}, framework=framework)


def message(kind=samestep.ModelError, candidate=None, inputs=(X,), reference=None, **options):
    candidate, reference = (model() if side is None else side for side in (candidate, reference))
    with pytest.raises(kind) as caught:
        samestep.compare(candidate, reference, inputs, **{"replicas": 8, "variants": False, **options})
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": ["a"]}, "layers= is a list: it takes a dict"),
        ({"layers": {0: "a"}}, "layers=: 0 is no name of a layer"),
        ({"layers": {"a": None}}, "layers=: None is no name of a layer"),
        ({"layers": {"a{0}": "b{0}"}}, "write {i}"),
        ({"layers": {"a": "a"}}, "'a' matches none of the candidate's layers; there are none"),
        ({"convert": {"w": 1}}, "convert= is a dict, not a function"),
        ({"convert_state": 3}, "convert_state= is a int, not a function"),
        ({"convert": lambda w: None}, "convert returns NoneType"),
        ({"loss": "crossentropy", "targets": CLASSES}, "did you mean 'cross_entropy'?"),
        ({"loss": "cross_entropy", "targets": CLASSES + 9}, "targets are classes from 9 to 11"),
        ({"loss": "cross_entropy", "targets": CLASSES - 100}, "targets are classes from -100 to -98"),
        ({"loss": "cross_entropy", "targets": CLASSES + 0.5}, "needs integer classes"),
        ({"loss": (lambda o, t: o.sum(1),) * 2, "targets": CLASSES}, "the loss is float32[5], not one"),
    ],
)
def test_options_that_are_none(options, said):
    assert said in message(**options)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (((X, X),), "inputs[0] is a tuple of arrays: every input is one array"),
        ((np.ma.masked_greater(X, 1),), "inputs[0] has masked elements"),
        ((x for x in (X,)), "inputs is a generator: pass an array"),
        ((np.array(["a"]),), "inputs[0] has dtype <U1"),
        ((np.ones((5, 3), np.float32),), "(input: float32[5, 3])"),
        ((X, X), "(inputs: float32[5, 4], float32[5, 4])"),
        ({"y": X}, "(input: y float32[5, 4])"),
    ],
)
def test_inputs_that_are_none(inputs, said):
    assert said in message(inputs=inputs)


@pytest.mark.parametrize("dtype", [">f4", "float16", "longdouble", "float64"])
def test_floats_of_any_width_and_order_are_inputs(dtype):
    result = samestep.compare(model(), model(), (X.astype(dtype),), replicas=8, variants=False)
    assert result.verdict == "agree"


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ((linear, {"w": W}), "pass samestep.Model(call, params)"),
        ({"w": W}, "these are parameters; pass samestep.Model(call, params)"),
        ("model.pt", "candidate is str, which is no model"),
        (linear, "a function with parameters is samestep.Model(call, params)"),
        (model(lambda w, x: None), "the candidate has no output, the reference one output"),
        (model(lambda w, x: x), "the output of the candidate has shape (5, 4), the output of the reference"),
        (samestep.Model(linear, (w for w in (W,))), "params is a generator"),
    ],
)
def test_candidates_that_are_none(candidate, said):
    assert said in message(candidate=candidate)


def test_convert_from_the_wrong_side():
    candidate = samestep.Model(lambda params, x: x @ params["kernel"], {"kernel": W}, framework="numpy")
    said = message(candidate=candidate, convert=lambda p: {"w": p["kernel"]})
    assert said.startswith("convert asks for 'kernel', which is the candidate's")


def test_keywords_of_limits():
    with pytest.raises(TypeError, match=r"there are loss, targets|did you mean contract"):
        samestep.limits(model(), (X,), convert=linear)
    assert str(samestep.limits(model(), (X,), contract="bfloat16")).startswith("rounding with bfloat16")


def test_what_pytorch_has():
    torch = pytest.importorskip("torch")
    net = torch.nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        net.weight.copy_(torch.tensor(W.T))
    assert "pass it as it is" in message(candidate=samestep.Model(net, {"w": W}))
    assert "pass dict(module.named_parameters())" in message(candidate=samestep.Model(linear, net))
    bfloat16 = torch.tensor(X).bfloat16()
    assert samestep.compare(net, model(), (bfloat16,), replicas=8, variants=False).verdict == "agree"
    with torch.inference_mode():
        assert "call samestep outside of it" in message(candidate=net)
    result = samestep.compare(model(), net, (X,), replicas=8, variants=False)
    assert "gradients of parameters: the candidate gives none" in result.coverage.not_asked


def test_what_jax_has():
    jax = pytest.importorskip("jax")

    def traced(x):
        assert message(inputs=(x,)) == "inputs[0] is a tracer: call samestep outside of jit, with arrays"
        return x

    jax.jit(traced)(X)
    candidate = model(lambda w, x: linear(w, x) * 1.5, "jax")
    result = samestep.compare(candidate, model(framework="jax"), (X,), replicas=8, variants=False)
    assert "neither side names layers: of what both compute, 1 value is the same" in str(result)
    one = samestep.compare(
        model(framework="jax"), model(framework="jax"), (X,), replicas=8, variants=False,
        loss=(lambda o, t: o.sum().reshape(1),) * 2, targets=CLASSES,
    )  # fmt: skip
    assert one.verdict == "agree"
    said = message(
        candidate=model(framework="jax"), loss=(lambda o, t: o.sum(1),) * 2, targets=CLASSES,
    )  # fmt: skip
    assert "the loss is float32[5], not one floating number" in said
    broadcast = {"loss": "mse", "targets": X[:, :1]}
    assert "the targets have the shape (5, 1)" in message(candidate=model(framework="jax"), **broadcast)


def test_parameters_of_another_framework():
    torch = pytest.importorskip("torch")
    jnp = pytest.importorskip("jax.numpy")
    candidate = samestep.Model(lambda w, x: jnp.tanh(x @ w["w"]), {"w": torch.tensor(W)})
    assert "its params are of torch and its code is in jax" in message(candidate=candidate)
