"""What a record says of a candidate is what a comparison with the reference itself says."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
from jax import numpy as jnp  # noqa: E402
from torch import nn  # noqa: E402

import samestep  # noqa: E402
from samestep.models.recorded.record_file import read_record  # noqa: E402
from samestep.records import sealed_arrays  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 5)).astype(np.float32)
Y = RNG.integers(0, 3, 6)
LOSS = {"loss": "cross_entropy", "targets": Y}
QUICK = {"replicas": 12, "variants": False}


class Net(nn.Module):
    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__()
        self.a, self.n, self.c = nn.Linear(5, 8), nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x):
        return self.c(torch.tanh(self.n(self.a(x))))


class Capped(Net):
    def forward(self, x):
        return super().forward(x.clamp(-20, 20))


NET = Net()
WEIGHTS = {name: value.detach().numpy() for name, value in NET.named_parameters()}


def function(xp, eps=1e-5):
    def call(p, x):
        h = x @ p["a.weight"].T + p["a.bias"]
        centred = h - h.mean(-1, keepdims=True)
        h = centred / xp.sqrt((centred**2).mean(-1, keepdims=True) + eps)
        return xp.tanh(h * p["n.weight"] + p["n.bias"]) @ p["c.weight"].T + p["c.bias"]

    return samestep.Model(call, WEIGHTS, framework=xp.__name__.partition(".")[0])


def with_eps(eps):
    net = copy.deepcopy(NET)
    net.n.eps = eps
    return net


def told(result):
    """What is to be the same: verdict, place, and every share of every limit."""
    shares = {str(tensor.key): tensor.share for tensor in result.judged}
    return result.verdict, result.first and (result.first.tensor, result.first.index), shares


SIDES = {
    "torch to jax": (lambda: NET, lambda: function(jnp), lambda: function(jnp, 1.01e-5)),
    "jax to torch": (lambda: function(jnp), lambda: NET, lambda: with_eps(1.01e-5)),
    "jax to numpy": (lambda: function(jnp), lambda: function(np), lambda: function(np, 1.01e-5)),
    "numpy to jax": (lambda: function(np), lambda: function(jnp), lambda: function(jnp, 1.01e-5)),
}


@pytest.mark.parametrize("sides", SIDES)
def test_a_record_says_what_the_reference_says(sides, tmp_path):
    reference, *candidates = (make() for make in SIDES[sides])
    path = samestep.record(reference, (X,), tmp_path / "net.npz", **LOSS, **QUICK)
    for candidate, verdict in zip(candidates, ("agree", "disagree"), strict=True):
        by_record = samestep.replay(candidate, path)
        assert by_record.verdict == verdict, str(by_record)
        assert told(by_record) == told(samestep.compare(candidate, reference, (X,), **LOSS, **QUICK))
    assert "the reference was recorded with" in str(by_record)
    if by_record.layers:
        assert "a record answers the questions that it was asked" in by_record.explain()


def test_variants_dtypes_and_optimiser_steps_are_recorded(tmp_path):
    """A cap that only larger inputs reach, a dtype, and a rate that only the steps show."""
    adam = lambda rate: lambda params: torch.optim.Adam(params, lr=rate)  # noqa: E731
    options = {"dtypes": ("float32", "bfloat16"), "replicas": 12, **LOSS}
    path = samestep.record(NET, (X,), tmp_path / "a.npz", optimizer=adam(1e-3), steps=2, **options)
    good = samestep.replay(copy.deepcopy(NET), path, optimizer=adam(1e-3))
    assert good.verdict == "agree", str(good)
    assert "in bfloat16: agree" in good.coverage.notes
    assert "c.weight after step 2" in {str(t.key) for t in good.judged}
    bad = samestep.replay(copy.deepcopy(NET), path, optimizer=adam(1.001e-3))
    assert bad.verdict == "disagree"
    assert bad.first.tensor.endswith("after step 1")
    found = samestep.replay(Capped(), path, optimizer=adam(1e-3))
    assert (found.verdict, found.on) == ("disagree", "inputs x 50")
    without = samestep.replay(copy.deepcopy(NET), path, variants=False)
    assert "optimiser steps: the record has them, pass optimizer=" in without.coverage.not_asked


def test_tensors_that_are_split_fused_and_summed_have_spreads(tmp_path):
    """PyTorch's LSTM has two biases where a port has their sum, and four gates in one array."""
    reference = nn.LSTM(4, 3, batch_first=True)
    names = [name for name, _ in reference.named_parameters()]
    wi, wh, bi, bh = (value.detach().numpy() for _, value in reference.named_parameters())
    assert names[2:] == ["bias_ih_l0", "bias_hh_l0"]

    def port(scale):
        def call(p, x):
            h = c = jnp.zeros((x.shape[0], 3))
            outputs = []
            for t in range(x.shape[1]):
                gates = [x[:, t] @ p[f"w{g}"].T + h @ p[f"u{g}"].T + p[f"b{g}"] for g in "ifgo"]
                i, f, o = (jax.nn.sigmoid(gates[n]) for n in (0, 1, 3))
                c = f * c + i * jnp.tanh(gates[2])
                h = o * jnp.tanh(c) * scale
                outputs.append(h)
            return jnp.stack(outputs, 1)

        parts = {"w": wi, "u": wh, "b": bi + bh}
        return samestep.Model(call, {f"{k}{g}": x for k, v in parts.items()
                                     for g, x in zip("ifgo", np.split(v, 4), strict=True)})  # fmt: skip

    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = reference

        def forward(self, x):
            return self.lstm(x)[0]

    x = RNG.standard_normal((2, 2, 4)).astype(np.float32)
    path = samestep.record(First(), (x,), tmp_path / "a.npz", **QUICK)
    good = samestep.replay(port(1.0), path)
    assert good.verdict == "agree", str(good)
    split = {str(t.key) for t in good.judged if t.key.name.startswith(("w", "u", "b"))}
    assert {"gradient of wi", "gradient of bo"} <= split
    scaled = samestep.replay(port(1 + 2.0**-16), path)
    assert scaled.verdict == "disagree"


def test_a_loss_of_ones_own_and_what_a_record_lacks(tmp_path):
    def loss(outputs, targets):
        return ((outputs - targets) ** 2).sum()

    targets = RNG.standard_normal((6, 3)).astype(np.float32)
    path = samestep.record(NET, (X,), tmp_path / "a.npz", loss=loss, targets=targets, **QUICK)
    assert samestep.replay(function(jnp), path, loss=loss).verdict == "agree"
    for wrong, said in (
        ({}, "the record has a loss of its own, loss: pass loss="),
        ({"loss": "mse"}, "loss= is a str, not the candidate's function"),
        ({"loss": loss, "optimizer": lambda p: None}, "the record has no steps"),
        ({"loss": loss, "contract": "tf32"}, "the record was made with contract='float32'"),
    ):
        with pytest.raises(samestep.ModelError, match=said):
            samestep.replay(NET, path, **wrong)
    unknown = dict.fromkeys(["rtol"], 0)
    with pytest.raises(TypeError, match="samestep takes no rtol"):
        samestep.replay(NET, path, **unknown)


def test_neither_the_reference_s_framework_nor_its_code_is_needed(tmp_path):
    path = samestep.record(NET, (X,), tmp_path / "a.npz", **QUICK)
    code = f"""
import sys
sys.modules.update(torch=None, jax=None)
sys.path.insert(0, {str(Path(samestep.__file__).parents[1])!r})
import numpy as np, samestep
from samestep.models.recorded.record_file import read_record
p = read_record({str(path)!r}).subject.parameters()
def call(p, x):
    h = x @ p["a.weight"].T + p["a.bias"]
    h = h - h.mean(-1, keepdims=True)
    h = h / np.sqrt((h * h).mean(-1, keepdims=True) + 1e-5)
    return np.tanh(h * p["n.weight"] + p["n.bias"]) @ p["c.weight"].T + p["c.bias"]
print(samestep.replay(samestep.Model(call, dict(p)), {str(path)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("agree: 1 output"), done.stdout
    assert f"the reference was recorded with torch {torch.__version__}" in done.stdout


def test_another_file_and_another_format_are_one_line(tmp_path):
    path = samestep.record(function(np), (X,), tmp_path / "a.npz", **QUICK)
    document, arrays = sealed_arrays.read(path)
    (part,) = document["parts"]
    for change, said in (
        ({"kind": "other"}, "is no record of a reference, but another file"),
        ({"format": 2}, "is a record of format 2, and this samestep reads 1"),
        ({"parts": []}, "is no record of a reference: it lacks it has no answers"),
        ({"parts": [{**part, "parameters": ["none"]}]}, "it lacks 'float32/parameter none'"),
        ({"parts": "x"}, "is no record of a reference: parts is 'x'"),
    ):
        sealed_arrays.write(path, {**document, **change}, arrays)
        with pytest.raises(samestep.SamestepError, match=said):
            read_record(path)


def test_what_is_too_large_is_left_out_in_order(tmp_path):
    from samestep.models.recorded.trimmed import size_of, trimmed

    path = samestep.record(NET, (X,), tmp_path / "a.npz", replicas=12)
    parts = read_record(path).parts
    whole = size_of(parts[0].answers)
    assert trimmed(parts) == (parts, ())
    (less,), said = trimmed(parts, whole - 1)
    assert said == ("gradients at layers on variants of the inputs",)
    assert size_of(less.answers) < whole
    (least,), said = trimmed(parts, 0)
    assert len(said) == 5
    assert sum(not isinstance(answer, str) for answer in least.answers.values()) == 1
