"""Both sides asked in bfloat16 and float16: correct pairs agree, and mistakes below the rounding are seen."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest

import samestep
from samestep.models.dtypes import rounded
from samestep.models.question import Question

X = np.random.default_rng(0).standard_normal((16, 24)).astype(np.float32)
FEW = {"replicas": 12, "variants": False}


def test_rounded_numbers_are_those_that_the_dtype_holds():
    torch = pytest.importorskip("torch")
    for dtype in ("bfloat16", "float16"):
        expected = torch.tensor(X).to(getattr(torch, dtype)).float().numpy()
        assert np.array_equal(rounded(X, dtype), expected)
    assert rounded(X, "float32") is X
    tokens = np.arange(3)
    assert rounded(tokens, "bfloat16") is tokens


def test_inputs_targets_and_cotangents_are_held_by_the_dtype():
    asked = Question((X, np.arange(16)), loss="mse", targets=X[:, :1]).in_dtype("bfloat16")
    for array in (
        asked.inputs[0],
        asked.targets,
        asked.cotangent(0, (5, 3)),
        asked.with_inputs([X]).inputs[0],
    ):
        assert array.dtype == np.float32
        assert np.array_equal(array, rounded(array, "bfloat16"))
    assert asked.inputs[1].dtype.kind == "i"


@pytest.mark.parametrize("dtypes", [(), "int8", ("float32", "float8"), 3])
def test_other_dtypes_are_refused_in_a_line(dtypes):
    with pytest.raises(
        samestep.ModelError, match="is not a tuple of names out of float32, bfloat16, float16"
    ):
        samestep.compare(np.tanh, np.tanh, (X,), dtypes=dtypes)


def test_numpy_has_no_bfloat16():
    with pytest.raises(samestep.ModelError, match="candidate: NumPy has no bfloat16"):
        samestep.compare(np.tanh, np.tanh, (X,), dtypes=("bfloat16",))


class Nets:
    """A small network of PyTorch, and what its copies do otherwise."""

    def __init__(self):
        self.torch = pytest.importorskip("torch")
        self.torch.set_num_threads(1)
        nn = self.torch.nn
        self.torch.manual_seed(0)
        self.model = nn.Sequential(
            nn.Linear(24, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 8)
        )
        with self.torch.no_grad():
            for parameter in self.model.parameters():
                parameter.add_(0.1 * self.torch.randn_like(parameter))

    def copy(self, eps=1e-5, bias=0.0):
        model = copy.deepcopy(self.model)
        model[2].eps = eps
        with self.torch.no_grad():
            model[3].bias.add_(bias)
        return model

    def by_functions(self, p, x, factor=0.0):
        """The same network by functions, its products written otherwise; the outputs times 1 + factor."""
        f = self.torch.nn.functional
        h = f.layer_norm(f.gelu(x @ p["0.weight"].T + p["0.bias"]), (32,), p["2.weight"], p["2.bias"])
        h = self.torch.tanh(h @ p["3.weight"].T + p["3.bias"])
        y = h @ p["5.weight"].T + p["5.bias"]
        return y + factor * y

    def values(self):
        return {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def function(self, factor=0.0):
        call = partial(self.by_functions, factor=factor)
        return samestep.Model(call, self.values(), framework="torch")


@pytest.fixture(scope="module")
def nets():
    return Nets()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_torch_twin_agrees_in_narrow_dtypes(nets, dtype):
    result = samestep.compare(nets.function(), nets.model, (X,), dtypes=("float32", dtype), **FEW)
    assert result.verdict == "agree", str(result)
    assert result.on is None
    assert f"in {dtype}: agree" in result.coverage.notes


def test_variants_are_asked_in_the_dtype_as_well(nets):
    result = samestep.compare(nets.copy(), nets.model, (X,), dtypes=("bfloat16",), replicas=12)
    assert result.verdict == "agree", str(result)
    assert not any("nothing was compared" in note for note in result.coverage.notes)


@pytest.mark.parametrize(
    "mistake", [{"bias": 1.0}, {"eps": 1.01e-5}], ids=["far above bfloat16's rounding", "below it"]
)
def test_a_torch_twin_with_a_mistake_disagrees(nets, mistake):
    result = samestep.compare(nets.copy(**mistake), nets.model, (X,), dtypes=("bfloat16",), **FEW)
    assert result.verdict == "disagree", str(result)


def test_what_only_the_second_dtype_shows_names_it(nets):
    """A function that does something else where it is handed bfloat16."""
    torch = nets.torch

    def scaled(p, x):
        y = nets.by_functions(p, x)
        return 2 * y if x.dtype is torch.bfloat16 else y

    candidate = samestep.Model(scaled, nets.values(), framework="torch")
    result = samestep.compare(candidate, nets.model, (X,), dtypes=("float32", "bfloat16"), **FEW)
    assert (result.verdict, result.on) == ("disagree", "bfloat16")
    assert str(result).startswith("disagree on bfloat16: first ")
    assert "in float32: agree" in result.coverage.notes


def test_the_models_stay_as_they_are(nets):
    before = nets.values()
    samestep.compare(nets.copy(), nets.model, (X,), dtypes=("bfloat16",), **FEW)
    for name, value in nets.model.named_parameters():
        assert value.dtype is nets.torch.float32
        assert nets.torch.equal(value, before[name])


def test_a_compiled_model_is_refused(nets):
    compiled = nets.torch.compile(nets.model)
    with pytest.raises(samestep.ModelError, match="candidate: a compiled model is asked in its own dtype"):
        samestep.compare(compiled, nets.model, (X,), dtypes=("bfloat16",))


def port(p, x, factor=0.0, shift=0.0, gelu=False):
    """The network in JAX, by plain operations."""
    jnp = pytest.importorskip("jax.numpy")
    jax = pytest.importorskip("jax")
    h = x @ p["0.weight"].T + p["0.bias"]
    h = jax.nn.gelu(h, approximate=False) if gelu else jnp.tanh(h)
    mean = h.mean(-1, keepdims=True)
    variance = jnp.square(h - mean).mean(-1, keepdims=True)
    h = (h - mean) / jnp.sqrt(variance + 1e-5) * p["2.weight"] + p["2.bias"]
    h = jnp.tanh(h @ p["3.weight"].T + p["3.bias"]) + shift
    y = h @ p["5.weight"].T + p["5.bias"]
    return y + factor * y


@pytest.mark.parametrize("mistake", [{}, {"shift": 0.5}, {"factor": 1e-4}], ids=["none", "large", "small"])
@pytest.mark.parametrize("gelu", [False, True], ids=["tanh", "GELU"])
def test_a_port_from_torch_to_jax_in_bfloat16(nets, mistake, gelu):
    """JAX holds numbers of its GELU in bfloat16, which are no other function."""
    pytest.importorskip("jax")
    values = {name: value.numpy() for name, value in nets.values().items()}
    candidate = samestep.Model(partial(port, gelu=gelu, **mistake), values, framework="jax")
    reference = nets.copy()
    if not gelu:
        reference[1] = nets.torch.nn.Tanh()
    result = samestep.compare(candidate, reference, (X,), dtypes=("bfloat16",), **FEW)
    assert result.verdict == ("disagree" if mistake else "agree"), str(result)


def test_two_biases_that_a_port_holds_as_one_agree_in_bfloat16(nets):
    """As those of a recurrent layer: their sum rounds once in float32 and once more in bfloat16."""
    jnp = pytest.importorskip("jax.numpy")
    torch = nets.torch

    class Cell(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(24, 8))
            self.bias_ih, self.bias_hh = (torch.nn.Parameter(torch.randn(8)) for _ in range(2))

        def forward(self, x):
            return torch.tanh(x @ self.weight + self.bias_ih + self.bias_hh)

    model = Cell()
    values = {name: value.detach().numpy() for name, value in model.named_parameters()}
    params = {"kernel": values["weight"], "bias": values["bias_ih"] + values["bias_hh"]}
    candidate = samestep.Model(lambda p, x: jnp.tanh(x @ p["kernel"] + p["bias"]), params, framework="jax")
    result = samestep.compare(candidate, model, (X,), dtypes=("bfloat16", "float32"), **FEW)
    assert result.verdict == "agree", str(result)
    assert not result.coverage.unmatched


def test_a_numpy_candidate_in_float16(nets):
    torch = nets.torch
    params = {"w": X[:, :8].T.copy(), "b": X[0, :8]}
    inputs = (X[:, :8],)
    mine = samestep.Model(lambda p, x: np.tanh(x @ p["w"][:, :8] + p["b"]), params, framework="numpy")
    theirs = samestep.Model(lambda p, x: torch.tanh(x @ p["w"][:, :8] + p["b"]), params, framework="torch")
    result = samestep.compare(mine, theirs, inputs, dtypes=("float16",), **FEW)
    assert result.verdict == "agree", str(result)
    result = samestep.compare(theirs, mine, inputs, dtypes=("float32", "float16"), **FEW)
    assert (result.verdict, result.on) == ("abstains", "float16")
    assert "w is float16: NumPy code is followed in float32 only" in str(result)
