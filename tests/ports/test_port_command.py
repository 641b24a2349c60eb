"""Port files on the command line: written, checked each side in a process of its own, timed and reported."""

from __future__ import annotations

import importlib.util
import json

import pytest
from click.testing import CliRunner

from samestep.commands.main import main
from samestep.commands.new import write_port
from samestep.errors import SamestepError
from samestep.ports.compared import compared
from samestep.ports.reading import load
from samestep.ports.words import words_of
from tests.made.command_line import TINY, samples_of
from tests.made.rungs import samestep


@pytest.mark.process
def test_every_candidate_has_a_verdict(port):
    done = samestep("check", port, "--json")
    assert done.returncode == 1, done.stderr
    right, wrong = json.loads(done.stdout)["cells"]
    assert (right["workload"], right["implementation"], right["verdict"]) == ("my_port", "right", "agree")
    assert (wrong["implementation"], wrong["verdict"], wrong["result"]["verdict"]) == (
        "no-bias", "disagree", "disagree",
    )  # fmt: skip
    alone = samestep("check", f"{port}/right")
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.startswith("right (numpy)\nagree: 1 output (nearest to its limit: output, ")


@pytest.mark.process
def test_a_port_file_is_timed_and_what_is_wrong_is_not(port, tmp_path):
    done = samestep("run", port, "--out", tmp_path / "results", *TINY)
    assert done.returncode == 1, done.stderr
    (run,) = (tmp_path / "results").glob("*/*")
    samples = samples_of(run)
    assert {sample["cell"].split("/")[1] for sample in samples} == {"loop", "right"}
    assert {sample["task"] for sample in samples} == {"forward"}
    plan = json.loads((run / "run.json").read_text())
    assert {cell["workload"] for cell in plan["cells"]} == {"my_port"}
    assert "disagree my_port:given/no-bias" in done.stdout.replace("\n", " ")
    assert (run / "report.md").is_file()
    assert str(port) in done.stderr or plan["options"]["roots"] == [str(port)]


@pytest.mark.process
def test_limits_are_printed(port):
    done = samestep("limits", port, "--replicas", 8, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["reference"], [row["tensor"] for row in found["limits"]]) == ("loop", ["output"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "nothing.py"), "nothing.py: no such file; `samestep new nothing.py` writes"),
        (("check", "my_port.py", "--dtype", "float64"), "--dtype float64 is for workloads of a folder"),
        (("check", "my_port.py", "--matrix"), "--matrix and --trajectory are for workloads"),
        (("limits", "two_layer"), "name one port file, as in `samestep limits my_port.py`"),
        (("new", "my_port.py"), "my_port.py exists already: choose another name"),
        (("new", "mine"), "mine: a port file ends in .py, as in `samestep new my_port.py`; for"),
        (("new", "two_layer.py"), "two_layer is one of samestep's own workloads: choose another"),
    ],
)  # fmt: skip
def test_a_slip_is_one_line(port, monkeypatch, words, said):
    monkeypatch.chdir(port.parent)
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"samestep: {said}")
    assert done.stderr.count("\n") == 1


def test_words_mean_port_files_and_their_sides(tmp_path):
    words = words_of(["two_layer/torch_*", "a/my_port.py", "a/my_port.py/jax_*"], [tmp_path])
    assert words.selectors == ("two_layer/torch_*", "my_port", "my_port/jax_*")
    assert [str(root) for root in words.roots] == [str(tmp_path), "a/my_port.py"]
    assert words.has_ports
    assert not words_of(["two_layer"], [tmp_path]).has_ports


@pytest.mark.parametrize("there", [("torch", "jax"), ("torch",), ("jax",), ()])
def test_a_new_port_file_is_right_for_what_is_installed(tmp_path, monkeypatch, there):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: find("math") if name in (*there, "numpy") else None
    )
    path = tmp_path / "deep" / "mine.py"
    write_port(path)
    monkeypatch.undo()
    made = load(path)
    ports = [*there[1:], "numpy"]
    assert made.reference.framework == [*there, "numpy"][0]
    assert [side.framework for side in made.candidates] == ports
    assert f"samestep check {path.name}" in path.read_text(encoding="utf-8")
    if not there:
        assert compared(made, "numpy_port", seed=0)[0].verdict == "agree"
    with pytest.raises(SamestepError, match="exists already"):
        write_port(path)
