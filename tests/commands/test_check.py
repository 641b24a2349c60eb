"""``samestep check`` as a user types it: the verdicts, the forms of the answer and the exit code."""

from __future__ import annotations

import json
import re
import sys

import pytest

from tests.made.command_line import usage_error
from tests.made.places import CHECKOUT
from tests.made.rungs import MANUAL, root, samestep

pytestmark = pytest.mark.process

WRONG_RATE = MANUAL.replace("- learning_rate", "- 1.001 * learning_rate")


def test_check_of_what_agrees_exits_0_and_reports_what_is_missing(impls):
    done = samestep("check", "rigged", "--impls", impls)
    assert done.returncode == 0
    assert re.search(r"rigged/numpy_good .* agree .* agree", done.stdout)
    assert "ghost is not installed: python -m pip install ghost-net" in done.stdout


@pytest.mark.parametrize("asked", [("rigged/ghost_*",), ("rigged/numpy_*", "rigged/ghost_manual"),
                                   ("rigged", "--require", "ghost")])  # fmt: skip
def test_a_missing_framework_fails_where_it_is_named(impls, asked):
    done = samestep("check", *asked, "--impls", impls)
    assert done.returncode == 1
    assert "ghost is not installed: python -m pip install ghost-net" in done.stdout


def test_a_framework_missing_in_the_python_that_is_named_is_one_line_with_how_to_install_it(impls):
    done = samestep("check", "rigged", "--impls", impls, "--python", f"ghost={sys.executable}", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"samestep: --python ghost={sys.executable}: {sys.executable} has no ghost: "
        f"{sys.executable} -m pip install ghost-net\n"
    )


def test_check_as_json_has_the_fields_that_are_promised(impls, tmp_path):
    file = tmp_path / "numpy_port.py"
    file.write_text(WRONG_RATE)
    done = samestep("check", "rigged", "--impls", impls, "--file", file, "--json", "--dtype", "float64")
    assert done.returncode == 1
    (cell,) = json.loads(done.stdout)["cells"]
    expected = {
        "workload": "rigged", "implementation": "numpy_port", "case": "small", "dtype": "float64",
        "device": "cpu", "verdict": "disagree",
    }  # fmt: skip
    assert {name: cell[name] for name in expected} == expected
    found = cell["first_divergence"]
    assert set(found) == {"step", "task", "tensor", "index", "got", "expected", "error", "limit", "test"}
    assert (found["step"], found["task"], found["tensor"]) == (0, "train_step", "w")
    assert found["error"] > found["limit"]


def test_a_case_with_another_size_is_checked_under_its_name():
    done = samestep("check", "two_layer:tiny[batch=2]/numpy_manual", "--dtype", "float64", "--explain")
    assert done.returncode == 0, done.stderr
    assert re.search(r"two_layer/numpy_manual +tiny\[batch=2\] +agree", done.stdout)
    assert "two_layer:tiny[batch=2]/numpy_manual float64 cpu" in done.stdout


def test_a_file_that_agrees_exits_0(impls, tmp_path):
    file = tmp_path / "my_port.py"
    file.write_text(MANUAL)
    done = samestep("check", "rigged:other", "--impls", impls, "--file", file)
    assert done.returncode == 0
    assert re.search(r"rigged/my_port +other +agree +agree", done.stdout)


def test_a_file_that_crashes_exits_1_and_says_where(impls, tmp_path):
    file = tmp_path / "my_port.py"
    file.write_text(MANUAL + "\n\ndef train_step(*_):\n    raise ValueError('broken')\n")
    done = samestep("check", "rigged", "--impls", impls, "--file", file)
    assert done.returncode == 1
    line = len(file.read_text().splitlines())
    assert f"ValueError: broken (my_port.py:{line})" in done.stdout


@pytest.mark.parametrize(
    ("text", "selectors", "message"),
    [
        (None, ["rigged"], "no such file"),
        ("def adopt(:\n", ["rigged"], "my_port.py is not Python: invalid syntax"),
        (
            "x = 1\n",
            ["rigged"],
            "has no task of rigged: it needs one or more of loss_and_grads, train_step, train",
        ),
        (MANUAL, [], "name the one workload that it implements"),
        (MANUAL, ["rigged", "two_layer"], "name the one workload that it implements"),
        (MANUAL, ["*"], "implements one workload, of "),
    ],
)
def test_a_file_that_cannot_be_used_exits_2_and_says_why(impls, tmp_path, text, selectors, message):
    file = tmp_path / "my_port.py"
    if text is not None:
        file.write_text(text)
    assert message in usage_error(samestep("check", *selectors, "--impls", impls, "--file", file))


def test_a_file_that_cannot_be_loaded_exits_2(impls, tmp_path):
    file = tmp_path / "my_port.py"
    file.write_text(MANUAL + "\nraise RuntimeError('half done')\n")
    done = samestep("check", "rigged", "--impls", impls, "--file", file)
    assert "my_port.py cannot be loaded: RuntimeError: half done" in done.stderr
    assert done.returncode == 2


def test_a_required_framework_that_nothing_selected_needs_is_missed_all_the_same(impls):
    for asked in (("check", "rigged/numpy_good"), ("list", "rigged")):
        done = samestep(*asked, "--impls", impls, "--require", "ghost")
        assert done.returncode == 1
        assert "--require ghost: ghost is not installed" in done.stderr


def test_an_asarray_that_copies_nothing_fools_nobody(tmp_path):
    sharing = MANUAL + "\n\ndef asarray(array):\n    return array\n"
    writing = sharing.replace('error = x @ state["w"] - y', 'x *= 2\n    error = x @ state["w"] - y')
    impls = root(tmp_path / "impls", {"numpy_sharing": sharing, "numpy_writing": writing})
    done = samestep("check", "rigged", "--impls", impls, "--json")
    cells = json.loads(done.stdout)["cells"]
    verdicts = {(c["implementation"], c["dtype"]): c for c in cells}
    assert verdicts["numpy_sharing", "float32"]["verdict"] == "agree"
    found = verdicts["numpy_writing", "float32"]["first_divergence"]
    assert (found["tensor"], found["test"]) == ("x", "the caller's input was modified")


def test_check_shows_what_a_verdict_rests_on():
    selection = ("two_layer:tiny/numpy_*", "--dtype", "float32", "--json", "--matrix", "--trajectory")
    document = json.loads(samestep("check", *selection).stdout)
    for cell in document["cells"]:
        assert cell["verdict"] == "agree"
        assert cell["tensors"]["grad_w1"]["elements"] <= cell["tensors"]["grad_w1"]["elements_limit"]
        assert (cell["notes"], cell["departs"], cell["repeats"], cell["diagnosis"]) == ([], {}, True, None)
        assert len(cell["trajectory"]["distance"]) == 500
    [pair] = document["distances"]
    assert pair["a"].split("/")[1:3] == ["numpy_manual", "float32"]
    assert 0 <= pair["rms"] <= pair["worst"]


def test_explain_matrix_and_trajectory_fit_eighty_columns():
    options = ("--dtype", "float32", "--explain", "--matrix", "--trajectory")
    done = samestep("check", "two_layer:tiny/numpy_*", *options, columns=80)
    for words in ("sigma", "grad_w1", "numpy_inplace", "growth", "unit roundoff"):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_mistake_gets_a_diagnosis(tmp_path):
    source = (CHECKOUT / "impls/two_layer/numpy_manual.py").read_text()
    file = tmp_path / "numpy_mine.py"
    file.write_text(source.replace("grad_y_pred = 2 * (", "grad_y_pred = ("))
    done = samestep("check", "two_layer:tiny", "--file", str(file), "--json")
    assert done.returncode == 1
    for cell in json.loads(done.stdout)["cells"]:
        assert cell["diagnosis"] == {"kind": "factor", "text": "grad_y_pred is 0.5 times what it should be"}
