"""``samestep run``, ``bench`` and ``report`` as a user types them: output, files and exit codes."""

from __future__ import annotations

import json
import re

import pytest

from samestep.jobs.planning import PROFILES
from tests.made.command_line import TINY, samples_of, usage_error
from tests.made.rungs import GOOD, MANUAL, root, samestep

pytestmark = [pytest.mark.process, pytest.mark.slow]

WRONG_RATE = MANUAL.replace("- learning_rate", "- 1.001 * learning_rate")


def test_a_run_exits_0_and_writes_its_records_and_its_report(made_run):
    done, folder = made_run
    assert done.returncode == 0
    assert {"run.json", "samples.jsonl", "report.md", "report.csv", "benchmark.json"} <= {
        path.name for path in folder.iterdir()
    }
    cells, tasks = 3, 3  # the baseline runs under two names
    assert len(samples_of(folder)) == cells * PROFILES["quick"].rounds * tasks
    assert f"the run is in {folder}" in done.stderr
    assert "ghost is not installed" in (folder / "report.md").read_text()


def test_a_run_as_json_is_one_document(made_run):
    cells = {cell["implementation"]: cell for cell in json.loads(made_run[0].stdout)["cells"]}
    assert [cells[name]["verdict"] for name in ("numpy_manual", "numpy_good", "ghost_manual")] == [
        "agree", "agree", "unavailable",
    ]  # fmt: skip
    assert cells["numpy_manual"]["tasks"]["train"]["ratio"] == 1
    assert cells["numpy_good"]["tasks"]["train"]["seconds_per_step"] > 0


def test_a_run_says_what_was_asked_and_on_what_machine(made_run):
    about = json.loads((made_run[1] / "run.json").read_text())
    assert about["selectors"] == ["rigged"]
    assert about["options"]["threads"] == 1
    assert about["machine"]["cpu"]
    assert about["versions"]["numpy"]
    assert set(about["sources"]) == {"rigged/numpy_manual", "rigged/numpy_good", "rigged/ghost_manual"}


def test_a_shard_of_a_sweep_is_measured_and_reported_under_its_sizes(tmp_path):
    asked = ("two_layer:tiny[width=3]/numpy_*", "--sweep", "batch=2,5", "--shard", "2/2")
    done = samestep("run", *asked, "--out", tmp_path, *TINY)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("*/*")
    about = json.loads((folder / "run.json").read_text())
    assert (about["options"]["sweep"], about["options"]["shard"]) == ("batch=2,5", "2/2")
    case = "tiny[width=3,batch=5]"
    assert [(c["case"], c["implementation"]) for c in about["cells"]] == [
        (case, "numpy_manual"), (case, "numpy_manual"), (case, "numpy_inplace"),  # the baseline again
    ]  # fmt: skip
    assert about["tasks"][f"two_layer:{case}"]["forward"]["flops"] == 2 * 5 * (8 * 3 + 3 * 3)
    assert f"two_layer:{case}, float32, cpu: train, one of 500 steps" in done.stdout
    assert f"## two_layer:{case}, float32, cpu: train_step, one call" in (folder / "report.md").read_text()
    assert len(samples_of(folder, "finished")) == 1
    message = usage_error(samestep("run", "--resume", folder, "--shard", "1/2"))
    assert "leave the selectors, --sweep and --shard out" in message


def test_without_a_sweep_or_a_shard_none_is_written_down(made_run):
    options = json.loads((made_run[1] / "run.json").read_text())["options"]
    assert (options["sweep"], options["shard"]) == (None, None)


def test_report_makes_the_tables_again(made_run, copied):
    for name in ("report.md", "report.csv", "benchmark.json"):
        (copied / name).unlink()
    done = samestep("report", "--out", copied.parent.parent)
    assert done.returncode == 0
    assert re.search(r"rigged:small, float32, cpu: train, one of 4 steps", done.stdout)
    assert re.search(r"numpy_manual .* agree .* 1\.00 \(1\.00-1\.00\)", done.stdout)
    assert (copied / "report.csv").read_text().startswith("workload,case,implementation")
    assert (copied / "benchmark.json").read_bytes() == (made_run[1] / "benchmark.json").read_bytes()
    assert "| numpy_good | agree |" in (copied / "report.md").read_text()


def test_report_of_a_torn_run_says_so_and_goes_on(copied):
    samples = copied / "samples.jsonl"
    samples.write_bytes(samples.read_bytes()[:-9])
    done = samestep("report", copied)
    assert done.returncode == 0
    assert f"{samples}: the last line is torn and is left out" in done.stderr
    assert "numpy_good" in done.stdout


def test_report_of_a_damaged_run_names_the_line_and_goes_on(copied):
    samples = copied / "samples.jsonl"
    samples.write_text(samples.read_text().replace('{"schema"', "{schema", 3))
    done = samestep("report", copied)
    assert done.returncode == 0
    assert f"{samples}:1 is left out, damaged: no JSON" in done.stderr
    assert "numpy_good" in done.stdout


def test_a_bench_of_what_disagrees_exits_1(impls, tmp_path):
    folder = root(tmp_path / "impls", {"numpy_wrong": WRONG_RATE})
    done = samestep("bench", "rigged/numpy_wrong", "--impls", folder, "--out", tmp_path / "results", *TINY)
    assert done.returncode == 1
    assert re.search(r"numpy_wrong .* disagree", done.stdout)


def test_what_float64_refuses_is_not_timed_in_float32(tmp_path):
    """A fault that hides in the rounding of float32 stands out in float64."""
    slightly = MANUAL.replace("x.T @ (2 * error)", "x.T @ (2.0000001 * error)")
    impls = root(tmp_path / "impls", {"numpy_slightly": slightly, "numpy_good": GOOD})
    alone = samestep("check", "rigged/numpy_slightly", "--impls", impls, "--dtype", "float32")
    assert alone.returncode == 0, alone.stdout
    done = samestep(
        "bench", "rigged", "--impls", impls, "--invocations", 1, "--out", tmp_path / "results", "--json"
    )
    assert done.returncode == 1
    cells = {cell["implementation"]: cell for cell in json.loads(done.stdout)["cells"]}
    assert cells["numpy_slightly"]["verdict"] == "disagree"
    assert cells["numpy_slightly"]["reason"].startswith("in float64: ")
    assert not cells["numpy_slightly"]["tasks"]
    assert cells["numpy_good"]["tasks"]["train"]["seconds"] > 0
