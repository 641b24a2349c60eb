"""`samestep record` and `samestep replay`: a reference in a file, its candidates, and a failed test."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from samestep.commands.main import main
from samestep.records import sealed_arrays
from tests.made.rungs import samestep


@pytest.mark.process
def test_candidates_are_judged_by_a_record(port, tmp_path):
    record = tmp_path / "net.npz"
    done = samestep("record", port, "-o", record, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bytes"] == record.stat().st_size
    done = samestep("replay", record, port, "--json")
    assert done.returncode == 1, done.stderr
    right, wrong = json.loads(done.stdout)["cells"]
    assert (right["implementation"], right["verdict"]) == ("right", "agree")
    assert (wrong["implementation"], wrong["verdict"]) == ("no-bias", "disagree")
    assert "the reference was recorded with numpy" in str(right["result"]["coverage"]["notes"])


def test_what_is_no_record_is_one_line_and_exit_code_2(port, tmp_path):
    other = tmp_path / "other.npz"
    np.savez(other, x=np.ones(3))
    sealed_arrays.write(sealed := tmp_path / "sealed.npz", {"kind": "else"}, {})
    for words, said in (
        (("replay", tmp_path / "none.npz", port), "none.npz cannot be read: No such file"),
        (("replay", other, port), "other.npz is not a file that samestep wrote"),
        (("replay", sealed, port), "is no record of a reference, but another file of samestep's"),
        (("replay", sealed), "name the port file with the candidates"),
        (("record",), "name one port file, as in `samestep record my_port.py`"),
    ):
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (2, 3), (4, 2), (5, 2)])
def test_a_bundle_is_run_by_pytest_and_its_exit_code_is_ours(tmp_path, monkeypatch, code, expected):
    import samestep.commands.replay as module

    sealed_arrays.write(bundle := tmp_path / "b.npz", {"kind": "samestep bundle"}, {})
    script = [sys.executable, "-S", "-c", f"raise SystemExit({code})"]
    monkeypatch.setattr(module, "pytest_command", lambda path: script)
    assert CliRunner().invoke(main, ["replay", str(bundle)]).exit_code == expected
    refused = CliRunner().invoke(main, ["replay", str(bundle), "two_layer"])
    assert refused.exit_code == 2
    assert "is the bundle of a test, which names its models" in refused.stderr
