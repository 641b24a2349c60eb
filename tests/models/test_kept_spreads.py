"""Spreads are kept under all that they follow from: whatever changes is measured anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from samestep.agreement.arithmetic.program import Contract, Finding, Level
from samestep.models import kept_spreads
from samestep.models.expected import ReferencePrograms, measure_expected
from samestep.models.numpy import NumpySubject
from samestep.models.question import Question
from samestep.models.tensors import Role, TensorKey

RNG = np.random.default_rng(3)
W = RNG.standard_normal((6, 6)).astype(np.float32)
X = RNG.standard_normal((4, 6)).astype(np.float32)
OUTPUT = TensorKey(Role.OUTPUT, "")


@dataclass
class Counted:
    """A program that counts its replicas."""

    program: object
    replicas: int = 0

    def replica(self, seed, level=Level.OWN):
        self.replicas += 1
        return self.program.replica(seed, level)

    def __getattr__(self, name):
        return getattr(self.program, name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    return tmp_path / "spreads"


def measured(program, translate=dict, replicas=5, seed=0, before=None):
    """What is expected, and how many replicas were run for it."""
    counted = Counted(program)
    programs = ReferencePrograms(counted, counted, program.exact())
    expected = measure_expected(programs, translate, before or {}, replicas, seed, lambda done, total: None)
    return expected, counted.replicas


def of_numpy(w=W, x=X, power=2, dtype=np.float32, contract=Contract.FLOAT32):
    def call(params, x):
        return np.tanh(x @ params["w"]) ** power

    return NumpySubject.from_function(call, {"w": w}).program(Question((x,)), contract)


def of_jax(w=W, x=X, power=2, dtype=np.float32, contract=Contract.FLOAT32):
    jax = pytest.importorskip("jax")

    from samestep.agreement.arithmetic.jaxpr.program import JaxProgram

    def call(w, x):
        h = jax.numpy.matmul(x.astype(dtype), w.astype(dtype))
        return {OUTPUT: jax.jit(jax.numpy.tanh)(h) ** power}

    return JaxProgram(call, (w, x), contract)


def of_torch(w=W, x=X, power=2, dtype=np.float32, contract=Contract.FLOAT32):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from samestep.agreement.arithmetic.torch.program import TorchProgram

    tensors = [torch.tensor(w), torch.tensor(x)]
    to = torch.float32 if dtype is np.float32 else torch.bfloat16

    def run():
        a, b = (tensor.to(to) for tensor in tensors)
        return {OUTPUT: torch.tanh(b @ a) ** power}

    return TorchProgram(run, lambda: None, contract, held=lambda: tensors)


ENGINES = pytest.mark.parametrize("made", [of_numpy, of_jax, of_torch], ids=["numpy", "jax", "torch"])


@ENGINES
def test_a_second_comparison_runs_no_replica(made, folder):
    first, count = measured(made())
    assert count == 5
    again, count = measured(made())
    assert count == 0
    assert np.array_equal(again.spreads[OUTPUT].sigma, first.spreads[OUTPUT].sigma)
    assert again.spreads[OUTPUT].limit == first.spreads[OUTPUT].limit
    assert np.array_equal(again.double[OUTPUT], first.double[OUTPUT])
    assert len(list(folder.glob("*.spreads"))) == 1


def moved(array):
    other = array.copy()
    other[0, 0] = np.nextafter(other[0, 0], np.float32(9))
    return other


@ENGINES
def test_what_changes_is_measured_anew(made, folder):
    measured(made())
    assert measured(made(w=moved(W)))[1]
    assert measured(made(x=moved(X)))[1]
    assert measured(made(power=3))[1]
    assert measured(made(contract=Contract.TF32))[1]
    assert measured(made(), replicas=6)[1]
    assert measured(made(), seed=1)[1]
    assert measured(made(), lambda tensors: {OUTPUT: tensors[OUTPUT].T})[1]
    assert measured(made(), before={OUTPUT: np.ones((4, 6))})[1]
    assert not measured(made())[1]


@pytest.mark.parametrize("made", [of_jax, of_torch], ids=["jax", "torch"])
def test_a_dtype_that_holds_the_same_values_is_measured_anew(made, folder):
    """Integers are the same numbers in bfloat16, and so are all results but the last."""
    w, x = (np.rint(array).astype(np.float32) for array in (W, X))
    assert measured(made(w=w, x=x))[1] == 5
    narrow = pytest.importorskip("ml_dtypes").bfloat16
    expected, count = measured(made(w=w, x=x, dtype=narrow))
    assert count
    assert np.array_equal(expected.exact[OUTPUT], made(w=w, x=x).exact()[OUTPUT])


def test_a_constant_that_nothing_shows_counts(folder):
    """Both ways of the gate give the same output, but not the same noise."""

    def gated(scale):
        call = lambda x: np.where(x > 0, x * scale, 0.0) * (1 / scale)  # noqa: E731
        return NumpySubject.from_function(call).program(Question((X,)))

    measured(gated(1.0))
    assert measured(gated(2.0))[1]


@pytest.mark.parametrize("at", [0, 40, -1])
def test_a_damaged_file_is_made_anew(folder, at):
    measured(of_numpy())
    (file,) = folder.glob("*.spreads")
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(bytes(content))
    assert measured(of_numpy())[1] == 5
    assert measured(of_numpy())[1] == 0


def test_a_changed_engine_measures_anew(folder, monkeypatch):
    measured(of_numpy())
    monkeypatch.setattr(kept_spreads, "engine_source", lambda: "another")
    assert measured(of_numpy())[1] == 5


def test_what_is_large_is_not_kept(folder, monkeypatch):
    monkeypatch.setattr(kept_spreads, "LARGEST_SIGMA", 4 * 24 - 1)
    assert measured(of_numpy())[1] == 5
    assert measured(of_numpy())[1] == 5


def test_a_program_whose_replicas_find_something_is_measured_each_time(folder):
    """A kept spread would not say that the code decides on what rounding moves."""

    class Deciding(Counted):
        @property
        def findings(self):
            return [Finding("decides", "here", "on an edge")] * min(self.replicas, 1)

    for _ in range(2):
        program = Deciding(of_numpy())
        programs = ReferencePrograms(program, program, program.exact())
        measure_expected(programs, dict, {}, 5, 0, lambda done, total: None)
        assert program.replicas == 5


def test_signatures_are_the_same_in_another_process(folder):
    """Nothing in them depends on an address, or on the order of a set."""
    import subprocess
    import sys

    pytest.importorskip("jax")
    code = "from tests.models.test_kept_spreads import *; p = of_jax(); p.exact(); print(p.signature)"
    program = of_jax()
    program.exact()
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == program.signature
