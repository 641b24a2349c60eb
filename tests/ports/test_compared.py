"""A side of a port file is compared with its reference, here or from a record, and what cannot be is said."""

from __future__ import annotations

import json

import pytest

from samestep.errors import SamestepError
from samestep.frameworks import Unavailable
from samestep.ports.compared import compared, limits_of, record_reference, replayed
from samestep.ports.reading import load
from tests.ports.made_ports import IN_NUMPY, TORCH_TO_JAX


@pytest.fixture
def port(tmp_path):
    def write(text):
        path = tmp_path / "port.py"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return write


def test_ports_in_numpy(port):
    made = port(IN_NUMPY)
    verdict, result = compared(made, "right", seed=0)
    assert (verdict.verdict, verdict.reason) == ("agree", None)
    assert result.text.startswith("agree: 1 output")
    verdict, result = compared(made, "no-bias", seed=0)
    assert verdict.verdict == result.document["verdict"] == "disagree"
    assert result.text.startswith(f"disagree: {verdict.reason}\n")
    assert json.loads(json.dumps(result.document)) == result.document
    assert compared(made, "loop", seed=0, thorough=False)[0].verdict == "agree"


def test_limits_are_those_of_the_reference(port):
    found = limits_of(port(IN_NUMPY), seed=0, replicas=8)
    assert [str(row.key) for row in found.rows] == ["output"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    return samestep.Model(lambda w, x, flip: (x @ w",
         "    samestep.Model(lambda w, x, flip: (x @ w",
         "port.py:22: right returns nothing: return the model"),
        ("    return samestep.Model(lambda w, x, flip: (x @ w", "    return w['v'] + (lambda: (x @ w",
         "port.py:26: right raises KeyError: 'v'"),
        ("    return samestep.Model(lambda w, x, flip: (x @ w", "    exit() or (lambda: (x @ w",
         "port.py:26: right ends the process (sys.exit(None)): raise an error instead"),
        ("    return samestep.Model(lambda w, x, flip: (x @ w", "    return 3, (lambda: (x @ w",
         "candidate is tuple, which is no model"),
    ],
)  # fmt: skip
def test_a_candidate_that_cannot_be_made_is_its_own_verdict(port, monkeypatch, tmp_path, old, new, said):
    monkeypatch.chdir(tmp_path)
    before, _, after = IN_NUMPY.partition(old)
    verdict, result = compared(port(before + new + after), "right", seed=0)
    assert (verdict.verdict, result) == ("crashed", None)
    assert verdict.reason.startswith(said)


def test_a_missing_package_is_named(port):
    made = port(IN_NUMPY.replace("def right(w):\n    import numpy", "def right(w):\n    import nowhere"))
    with pytest.raises(Unavailable, match="right needs nowhere, which is not installed"):
        compared(made, "right", seed=0)


def test_a_reference_that_cannot_be_made_is_a_mistake_in_the_file(port):
    with pytest.raises(SamestepError, match=r"port\.py:13: loop raises NameError"):
        compared(port(IN_NUMPY.replace("np.random.default_rng(0)", "gone")), "right", seed=0)


def test_a_loss_optimisers_and_a_conversion_are_the_files(port):
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    made = port(TORCH_TO_JAX)
    verdict, result = compared(made, "converted", seed=0, thorough=False)
    assert verdict.verdict == "agree", result.text
    assert {row["role"] for row in result.document["tensors"]} >= {"loss", "gradient", "update"}
    assert compared(made, "sine", seed=0, thorough=False)[0].verdict == "disagree"


def test_one_optimiser_alone_is_refused(port):
    text = TORCH_TO_JAX.replace("@samestep.candidate(optimizer=pair)\n", "@samestep.candidate\n")
    pytest.importorskip("torch")
    with pytest.raises(SamestepError, match="pytorch has an optimizer=, and converted has none"):
        compared(port(text), "converted", seed=0)


def test_a_record_judges_as_the_reference_does(port, tmp_path):
    made, record, weights = port(IN_NUMPY), tmp_path / "record", tmp_path / "weights"
    record_reference(made, "right", 0, record, weights)
    assert replayed(made, "right", record, weights)[0].verdict == "agree"
    assert replayed(made, "no-bias", record, weights)[0].verdict == "disagree"
