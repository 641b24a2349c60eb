"""A bundle brings the same test back to the same numbers, and says where that is not so."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from samestep.errors import SamestepError
from samestep.records import sealed_arrays
from samestep.testing.bundle import pytest_command, read_bundle

#: Nothing is seeded: weights, inputs and the size of the mistake are others in every run.
UNSEEDED = """
def test_others():
    raise RuntimeError("not asked for")

@pytest.fixture
def w():
    return np.random.standard_normal((8, 4)).astype(np.float32) * random.uniform(0.9, 1.1)

def test_unseeded(agree, w):
    off = np.float32(random.uniform(1.001, 1.01))
    port = samestep.Model(lambda w, x: np.tanh(x @ w) * off, w)
    x = np.random.default_rng().standard_normal((5, 8)).astype(np.float32)
    agree(port, samestep.Model(lambda w, x: np.tanh(x @ w), w), {"x": x}, variants=False, replicas=8)
"""


def headline(result) -> str:
    [line] = [line for line in result.outlines if line.startswith("E       samestep.AgreementError: ")]
    return line


def bundle_of(result) -> str:
    """The path in the line that says how to run a test again."""
    [path] = re.findall(r"^E +again: samestep replay (\S+)$", result.stdout.str(), re.MULTILINE)
    return path


def test_unseeded_models_and_inputs_are_made_again(run):
    first = run(UNSEEDED, "-k", "unseeded")
    other = run.again("-k", "unseeded")
    assert headline(other) != headline(first)
    again = run.again(f"--samestep-replay={bundle_of(first)}")
    again.assert_outcomes(failed=1, deselected=1)
    assert headline(again) == headline(first)
    assert bundle_of(again) == bundle_of(first)
    assert "replayed: was disagree, is disagree" in again.stdout.str()
    assert "seed what makes them" not in again.stdout.str()


def test_a_bundle_is_of_the_comparison_that_failed(run):
    code = "def test_two(agree):\n    for f in (twin, {}):\n        agree(f, model, X, variants=False)\n"
    bundle = bundle_of(run(code.format("other")))
    saved = read_bundle(run.folder / bundle)
    assert (saved.bundle.node_id, saved.bundle.call) == ("test_port.py::test_two", 1)
    assert saved.bundle.asked.replicas == 24
    run.write(code.format("twin"))
    result = run.again(f"--samestep-replay={bundle}")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["agree * test_port.py::test_two (2): *", " *replayed: was disagree, is agree"]
    )


def test_the_same_failure_writes_the_same_file_and_version_control_leaves_it_out(run):
    code = "def test_wrong(agree):\n    agree(other, model, (X,), variants=False, replicas=8)\n"
    first, second = bundle_of(run(code)), bundle_of(run.again())
    assert first == second
    folder = run.folder / ".samestep"
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", first.rpartition("/")[2]]
    assert (folder / ".gitignore").read_text().endswith("\n*\n")


def test_save_keeps_those_that_agree_and_says_where(run):
    result = run("def test_right(agree):\n    agree(twin, model, (X,), variants=False)\n", "--samestep-save")
    [path] = re.findall(r"^ +again: samestep replay (\S+)$", result.stdout.str(), re.MULTILINE)
    run.again(f"--samestep-replay={path}").assert_outcomes(passed=1)


def test_other_parameters_and_versions_are_said(run):
    code = """
def test_weights(agree):
    w = np.load("w.npy")
    agree(samestep.Model(lambda w, x: x @ w * 1.01, w), samestep.Model(lambda w, x: x @ w, w), (X,),
          variants=False, replicas=8)
"""
    np.save(run.folder / "w.npy", np.ones((8, 4), np.float32))
    bundle = run.folder / bundle_of(run(code))
    document, arrays = sealed_arrays.read(bundle)
    sealed_arrays.write(
        bundle, {**document, "made": {**document["made"], "libraries": {"numpy": "0.1"}}}, arrays
    )
    np.save(run.folder / "w.npy", np.full((8, 4), 2, np.float32))
    result = run.again(f"--samestep-replay={bundle}")
    told = result.stdout.str()
    assert f"numpy is {np.__version__}, and was 0.1" in told
    assert "the parameters of the candidate and of the reference are others than they were" in told


def test_the_command_finds_the_test_in_the_project_of_the_bundle(run, monkeypatch, tmp_path):
    code = "def test_wrong(agree):\n    agree(other, model, (X,), variants=False, replicas=8)\n"
    bundle = run.folder / bundle_of(run(code))
    monkeypatch.chdir("/")
    root = run.folder
    command = [sys.executable, "-m", "pytest", f"--rootdir={root}", f"--samestep-replay={bundle}"]
    assert pytest_command(bundle) == [*command, f"{root}/test_port.py::test_wrong"]
    elsewhere = tmp_path / "copy.npz"
    bundle.rename(elsewhere)
    with pytest.raises(
        SamestepError, match=r"copy\.npz is of the test .*: change to the folder that test_port"
    ):
        pytest_command(elsewhere)
    document, arrays = sealed_arrays.read(elsewhere)
    for name in (f"{root}/test_port.py", "../other/test_port.py", "--pdb", "conftest"):
        sealed_arrays.write(elsewhere, {**document, "node_id": f"{name}::test_wrong"}, arrays)
        with pytest.raises(SamestepError, match="change to the folder"):
            pytest_command(elsewhere)
    sealed_arrays.write(elsewhere, document, arrays)
    monkeypatch.chdir(root)
    assert pytest_command(elsewhere)[-1] == f"{root}/test_port.py::test_wrong"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "bundle.npz cannot be read"),
        ({"kind": "record"}, "is no bundle of a test, but another file of samestep's"),
        ({"format": 2}, "is a bundle of format 2, and this samestep reads 1"),
        ({"call": "first"}, "is no bundle of a test: call is 'first'"),
        ({"keywords": ["x", "y"]}, "names 2 inputs and holds 1"),
        (
            {"node_id": "test_port.py::test_gone"},
            "is of test_port.py::test_gone, which is not among these tests",
        ),
        ({"call": 3}, "the bundle is of comparison 4 of this test, which made 1"),
    ],
)
def test_a_bundle_that_cannot_be_replayed_is_one_line(run, change, said):
    code = "def test_wrong(agree):\n    agree(other, model, (X,), variants=False, replicas=8)\n"
    path = run.folder / bundle_of(run(code))
    if change is None:
        path = run.folder / "bundle.npz"
    else:
        document, arrays = sealed_arrays.read(path)
        sealed_arrays.write(path, {**document, **change}, arrays)
    result = run.again(f"--samestep-replay={path}")
    assert result.ret != 0
    lines = [line for line in (*result.outlines, *result.errlines) if said in line]
    assert lines
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_bundle_of_pytorch_makes_unseeded_weights_again(run):
    pytest.importorskip("torch")
    import samestep.models.torch  # noqa: F401  # once: some of PyTorch cannot be imported again

    code = """
import torch

def test_module(agree):
    reference = torch.nn.Linear(8, 4)
    port = torch.nn.Linear(8, 4)
    port.load_state_dict(reference.state_dict())
    port.register_forward_hook(lambda module, args, out: out * 1.01)
    agree(port, reference, (torch.randn(5, 8),), variants=False, replicas=8)
"""
    first = run(code)
    assert headline(run.again()) != headline(first)
    again = run.again(f"--samestep-replay={bundle_of(first)}")
    assert headline(again) == headline(first)
    assert "seed what makes them" not in again.stdout.str()
