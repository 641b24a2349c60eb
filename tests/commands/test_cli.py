"""The command line as a user types it: what is printed, what is written, and the exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from samestep.jobs.planning import PROFILES
from tests.made.rungs import CHECKOUT, GOOD, MANUAL, command, gone, root, running, samestep, wait_until

WRONG_RATE = MANUAL.replace("- learning_rate", "- 1.001 * learning_rate")


@pytest.fixture(scope="module")
def impls(tmp_path_factory) -> Path:
    """rigged, with rungs of NumPy and of a framework that is installed nowhere."""
    folder = root(tmp_path_factory.mktemp("impls"), {"numpy_good": GOOD, "ghost_manual": GOOD})
    (folder / "frameworks").mkdir()
    (folder / "frameworks" / "ghost.py").write_text('import ghost\nDISTRIBUTIONS = ("ghost-net",)\n')
    return folder


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.strip()]


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error, of a command that the user got wrong."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert len(errors(done)) == 1, done.stderr
    return done.stderr.strip()


# -- list -------------------------------------------------------------------------------------------------


def test_version():
    assert re.match(r"samestep, version \d", samestep("--version").stdout)


def test_list_says_what_there_is_and_what_brings_what_is_missing(impls):
    done = samestep("list", "rigged", "--impls", impls)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^cases: small, other$", done.stdout, re.MULTILINE)
    assert re.search(r"^tasks: .*loss_and_grads, train_step, train$", done.stdout, re.MULTILINE)
    assert re.search(r"^ numpy_good ", done.stdout, re.MULTILINE)
    assert re.search(
        r"ghost +ghost is not installed: python -m pip install ghost-net$", done.stdout, re.MULTILINE
    )
    assert re.search(r"^  cpu +\S", done.stdout, re.MULTILINE)


def test_list_shows_a_newcomer_each_workload_its_line_and_what_comes_next():
    shown = samestep("list", columns=80).stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    assert re.search(r"^two_layer +a fully connected ReLU network", shown, re.MULTILINE)
    assert "11 cases; 16 implementations: numpy, torch, tensorflow, jax" in shown
    lessons = next(number for number, line in enumerate(lines) if line.startswith("lessons"))
    first = {line.split()[0]: number for number, line in enumerate(lines) if line and line[0] != " "}
    assert first["two_layer"] < lessons < first["linear_output"]
    assert re.search(r"^  samestep check two_layer +do they agree", shown, re.MULTILINE)


def test_list_of_a_workload_shows_its_rungs_in_the_order_to_read_them():
    shown = samestep("list", "mnist_mlp", columns=80).stdout
    rungs = re.findall(r"^ ([a-z]+_[a-z_]+) ", shown, re.MULTILINE)
    listed = json.loads(samestep("list", "mnist_mlp", "--json").stdout)["implementations"]
    assert rungs == [rung["implementation"] for rung in listed]
    assert max(map(len, shown.splitlines())) <= 80
    assert "(no momentum_step, adam_step)" in " ".join(shown.split())


@pytest.mark.parametrize("command", [("list", "rigged"), ("check", "rigged/numpy_good")])
def test_csv_and_markdown_hold_the_rows_of_the_json(impls, command):
    def asked(form: str) -> str:
        done = samestep(*command, "--impls", impls, "--format", form)
        assert done.returncode == 0
        return done.stdout

    document = json.loads(asked("json"))
    assert document == json.loads(samestep(*command, "--impls", impls, "--json").stdout)
    (rows,) = (document[name] for name in ("implementations", "cells") if name in document)
    read = list(csv.DictReader(io.StringIO(asked("csv"))))
    assert [row["implementation"] for row in read] == [row["implementation"] for row in rows]
    assert [row["workload"] for row in read] == [row["workload"] for row in rows]
    assert all(row.get("verdict", "agree") == "agree" for row in read)
    lines = asked("markdown").splitlines()
    assert len(lines) == len(rows) + 2
    assert [line.count("|") for line in lines] == [len(read[0]) + 1] * len(lines)


def test_two_forms_at_once_are_an_error():
    done = samestep("list", "--json", "--format", "csv")
    assert done.returncode == 2
    assert errors(done) == ["samestep: --json and --format csv: ask for one of them"]


def test_list_as_json_has_the_fields_that_are_promised(impls):
    done = samestep("list", "rigged", "--impls", impls, "--json")
    listed = json.loads(done.stdout)
    assert {"implementations", "frameworks", "devices"} <= set(listed)
    rungs = {rung["implementation"]: rung for rung in listed["implementations"]}
    assert rungs["numpy_good"] == {
        "workload": "rigged", "implementation": "numpy_good", "framework": "numpy",
        "read_after": "numpy_manual", "tasks": ["loss_and_grads", "train_step", "train"],
        "cases": ["small", "other"],
        "available": True, "reason": None,
    }  # fmt: skip
    reason = "ghost is not installed: python -m pip install ghost-net"
    assert (rungs["ghost_manual"]["available"], rungs["ghost_manual"]["reason"]) == (False, reason)
    frameworks = {row["framework"]: row for row in listed["frameworks"]}
    assert frameworks["numpy"]["available"]
    assert frameworks["numpy"]["version"]
    assert not frameworks["ghost"]["available"]
    assert listed["devices"][0]["device"] == "cpu"


def test_list_asks_the_frameworks_themselves_where_it_is_told_to():
    listed = json.loads(samestep("list", "two_layer/numpy_*", "--probe", "--json", "--threads", 1).stdout)
    (row,) = (row for row in listed["frameworks"] if row["framework"] == "numpy")
    assert row["devices"]["cpu"]["threads"] == 1


# -- check -------------------------------------------------------------------------------------------------


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


def test_a_framework_missing_in_the_python_that_is_named_is_reported_with_the_pip_line(impls):
    done = samestep("check", "rigged", "--impls", impls, "--python", f"ghost={sys.executable}", "--json")
    assert done.returncode == 0
    reasons = {c["reason"] for c in json.loads(done.stdout)["cells"] if c["verdict"] == "unavailable"}
    assert reasons == {"ghost is not installed: python -m pip install ghost-net"}


def test_check_as_json_has_the_fields_that_are_promised(impls, tmp_path):
    file = tmp_path / "numpy_port.py"
    file.write_text(WRONG_RATE)
    done = samestep("check", "rigged", "--impls", impls, "--file", file, "--json", "--dtype", "float64")
    assert done.returncode == 1
    (cell,) = json.loads(done.stdout)["cells"]
    told = {
        "workload": "rigged", "implementation": "numpy_port", "case": "small", "dtype": "float64",
        "device": "cpu", "verdict": "disagree",
    }  # fmt: skip
    assert {name: cell[name] for name in told} == told
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
    assert message in said(samestep("check", *selectors, "--impls", impls, "--file", file))


# -- wrong command lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("check", "nothing"), "'nothing': no workload matches 'nothing'; there are "),
        (("check", "two_layer:huge"), "no case of two_layer matches 'huge'; there are tutorial, "),
        (("bench", "two_layer/numpie"), "no implementation of two_layer matches 'numpie'; there are numpy"),
        (("list", "two_layer/"), "'two_layer/' is not a valid selector: write workload[:case][/implemen"),
        (("check", "two_layer", "--require", "tourch"), "--require tourch: no such framework; there are "),
        (("check", "two_layer", "--python", "torch"), "--python torch: write FRAMEWORK=PATH, with one of "),
        (("check", "two_layer", "--python", "tourch=x"), "--python tourch=x: write FRAMEWORK=PATH, with "),
        (("check", "two_layer:tiny/numpy_manual", "--python", "numpy=/no/python"),
         "/no/python cannot be started: No such file or directory"),
        (("check", "two_layer", "--threads", 100_000), "--threads 100000: this process may use "),
        (("check", "two_layer", "--impls", "/no/folder"), "/no/folder is not a folder of workloads"),
        (("report", "/no/run"), "/no/run is not a run: it has no run.json"),
        (("report", "--out", "/no/results"), "no run under /no/results: `samestep run` makes one"),
        (("run", "--resume", "/no/run"), "/no/run is not a run: it has no run.json"),
        (("bench", "two_layer:tiny/numpy_manual", "--out", "/dev/null/x"), "cannot be made: Not a directory"),
    ],
)  # fmt: skip
def test_what_is_wrong_exits_2_with_one_line(asked, message):
    assert message in said(samestep(*asked))


@pytest.mark.parametrize(
    "asked",
    [("--nonsense",), ("nonsense",), ("check", "--nonsense"), ("check", "--dtype", "float16"),
     ("check", "--device", "tpu"), ("check", "--threads", 0), ("bench", "--profile", "slow"),
     ("bench", "--invocations", 0), ("check", "--seed", -1)],
)  # fmt: skip
def test_what_no_command_knows_exits_2_with_the_usage(asked):
    done = samestep(*asked)
    assert (done.returncode, done.stdout) == (2, "")
    assert errors(done)[0].startswith("Usage: ")
    assert errors(done)[-1].startswith("Error: ")


def test_a_traceback_is_shown_where_it_is_asked_for():
    done = samestep("--debug", "list", "nothing")
    assert done.returncode != 0
    assert "Traceback (most recent call last)" in done.stderr
    assert "no workload matches 'nothing'" in errors(done)[-1]


def test_data_is_mounted():
    assert samestep("data", "path", "mnist_sample").stdout.strip().endswith("samestep/data/sample")
    done = samestep("data", "verify", "mnist_sample")
    assert done.returncode == 0
    assert "10000 + 2000 images, all right" in done.stdout
    assert samestep("data", "path", "nonsense").returncode == 2


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            ("--sweep", "colour=1:4"),
            "--sweep colour=1:4: two_layer:tiny has no such size; there are batch, d_in, ",
        ),
        (("--sweep", "batch"), "--sweep batch: write SIZE=FROM:TO"),
        (("--sweep", ""), "--sweep : write SIZE=FROM:TO"),
        (("--shard", "5"), "--shard 5: write I/N"),
        (("--shard", ""), "--shard : write I/N"),  # a scheduler's variable that is not set
        (("--shard", "2/2"), "--shard 2/2 is empty: the cells to deal out are 1"),
    ],
)
@pytest.mark.parametrize("name", ["bench", "run"])
def test_sizes_and_shards_that_there_are_not_exit_2_with_one_line(name, asked, message, tmp_path):
    assert message in said(samestep(name, "two_layer:tiny/numpy_*", *asked, "--out", tmp_path))
    assert not list(tmp_path.iterdir())


# -- a run -------------------------------------------------------------------------------------------------


TINY = ("--invocations", 1, "--threads", 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory, impls) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run of rigged as a user makes it, with its folder."""
    out = tmp_path_factory.mktemp("results")
    done = samestep("run", "rigged", "--impls", impls, "--out", out, "--json", *TINY)
    (folder,) = out.glob("*/*")
    return done, folder


@pytest.fixture
def copied(made, tmp_path) -> Path:
    """The same run, to be damaged."""
    return Path(shutil.copytree(made[1], tmp_path / "results" / made[1].parent.name / made[1].name))


def lines(run: Path, kind: str = "sample") -> list[dict]:
    records = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    return [record for record in records if record["kind"] == kind and not record.get("repeated")]


def test_a_run_exits_0_and_writes_its_records_and_its_report(made):
    done, folder = made
    assert done.returncode == 0
    assert {"run.json", "samples.jsonl", "report.md", "report.csv", "benchmark.json"} <= {
        path.name for path in folder.iterdir()
    }
    cells, tasks = 3, 3  # the baseline runs under two names
    assert len(lines(folder)) == cells * PROFILES["quick"].rounds * tasks
    assert f"the run is in {folder}" in done.stderr
    assert "ghost is not installed" in (folder / "report.md").read_text()


def test_a_run_as_json_is_one_document(made):
    cells = {cell["implementation"]: cell for cell in json.loads(made[0].stdout)["cells"]}
    assert [cells[name]["verdict"] for name in ("numpy_manual", "numpy_good", "ghost_manual")] == [
        "agree", "agree", "unavailable",
    ]  # fmt: skip
    assert cells["numpy_manual"]["tasks"]["train"]["ratio"] == 1
    assert cells["numpy_good"]["tasks"]["train"]["seconds_per_step"] > 0


def test_a_run_says_what_was_asked_and_on_what_machine(made):
    about = json.loads((made[1] / "run.json").read_text())
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
    assert len(lines(folder, "finished")) == 1
    message = said(samestep("run", "--resume", folder, "--shard", "1/2"))
    assert "leave the selectors, --sweep and --shard out" in message


def test_without_a_sweep_or_a_shard_none_is_written_down(made):
    options = json.loads((made[1] / "run.json").read_text())["options"]
    assert (options["sweep"], options["shard"]) == (None, None)


def test_report_makes_the_tables_again(made, copied):
    for name in ("report.md", "report.csv", "benchmark.json"):
        (copied / name).unlink()
    done = samestep("report", "--out", copied.parent.parent)
    assert done.returncode == 0
    assert re.search(r"rigged:small, float32, cpu: train, one of 4 steps", done.stdout)
    assert re.search(r"numpy_manual .* agree .* 1\.00 \(1\.00-1\.00\)", done.stdout)
    assert (copied / "report.csv").read_text().startswith("workload,case,implementation")
    assert (copied / "benchmark.json").read_bytes() == (made[1] / "benchmark.json").read_bytes()
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


def test_resume_goes_on_where_a_torn_run_ended_with_the_roots_that_it_had(made, copied):
    samples = copied / "samples.jsonl"
    content = samples.read_bytes()
    samples.write_bytes(content[: int(0.7 * len(content))])
    before = len(lines_that_are_whole(samples))
    done = samestep("run", "--resume", "--out", copied.parent.parent)
    assert done.returncode == 0, done.stderr
    taken = [(r["cell"], r["invocation"], r["round"], r["task"]) for r in lines(copied)]
    assert taken == [(r["cell"], r["invocation"], r["round"], r["task"]) for r in lines(made[1])]
    assert 0 < before < len(lines_that_are_whole(samples))


def lines_that_are_whole(samples: Path) -> list[str]:
    return [line for line in samples.read_text().splitlines(keepends=True) if line.endswith("\n")]


def test_resume_refuses_what_was_edited_since(made, copied):
    about = json.loads((copied / "run.json").read_text())
    about["sources"]["rigged/numpy_good"] = "0123456789abcdef"
    (copied / "run.json").write_text(json.dumps(about))
    message = said(samestep("run", "--resume", copied))
    assert f"rigged/numpy_good was edited since {copied} began: start a new run" in message


def test_a_variable_that_steers_workers_is_shown_and_resume_refuses_another(impls, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    done = samestep("run", "rigged/numpy_good", "--impls", impls, "--out", tmp_path)
    line = re.compile(r"^inherited from the environment of the run: .*", re.MULTILINE)
    assert "OPENBLAS_CORETYPE=Haswell" in line.search(done.stdout)[0]
    (run,) = tmp_path.glob("*/*")
    assert "OPENBLAS_CORETYPE=Haswell" in line.search((run / "report.md").read_text())[0]
    assert json.loads((run / "run.json").read_text())["inherited"]["cpu"]["OPENBLAS_CORETYPE"] == "Haswell"
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    refused = said(samestep("run", "--resume", run))
    assert f"OPENBLAS_CORETYPE is not what it was when {run} began: start a new run" in refused


def test_a_bench_of_what_disagrees_exits_1(impls, tmp_path):
    folder = root(tmp_path / "impls", {"numpy_wrong": WRONG_RATE})
    done = samestep("bench", "rigged/numpy_wrong", "--impls", folder, "--out", tmp_path / "results", *TINY)
    assert done.returncode == 1
    assert re.search(r"numpy_wrong .* disagree", done.stdout)


def test_an_interrupt_exits_3_keeps_the_records_and_leaves_no_worker(impls, tmp_path):
    asked = command("bench", "rigged/numpy_*", "--impls", impls, "--out", tmp_path, "--invocations", 99)
    with subprocess.Popen(asked, **running()) as bench:
        assert wait_until(
            lambda: any('"sample"' in p.read_text() for p in tmp_path.glob("*/*/samples.jsonl"))
        )
        workers = psutil.Process(bench.pid).children(recursive=True)
        bench.send_signal(signal.SIGINT)
        output, complaint = bench.communicate(timeout=30)
    assert bench.returncode == 3
    assert output == ""
    assert "Traceback" not in complaint
    assert complaint.splitlines()[-1] == "samestep: interrupted; what was recorded is kept"
    assert workers
    assert all(gone(worker.pid) for worker in workers)
    (folder,) = tmp_path.glob("*/*")
    assert any('"kind": "sample"' in line for line in lines_that_are_whole(folder / "samples.jsonl"))
    assert samestep("report", folder).returncode == 0


def test_resume_refuses_a_run_that_is_still_going_on(impls, tmp_path):
    asked = command("bench", "rigged/numpy_*", "--impls", impls, "--out", tmp_path, "--invocations", 99)
    with subprocess.Popen(asked, **running()) as bench:
        assert wait_until(
            lambda: any('"sample"' in p.read_text() for p in tmp_path.glob("*/*/samples.jsonl"))
        )
        (folder,) = tmp_path.glob("*/*")
        message = said(samestep("run", "--resume", folder))
        assert bench.poll() is None
        bench.send_signal(signal.SIGINT)
        bench.communicate(timeout=30)
    assert f"{folder} is still being measured: wait until it has ended" in message


def test_an_interrupt_in_code_that_came_from_a_text_exits_3_as_well(tmp_path):
    """Python remembers it there, and would end by SIGINT after all."""
    planted = (
        "import samestep.commands.list as l\nl.take_inventory = lambda *_: exec('raise KeyboardInterrupt')"
    )
    (tmp_path / "interrupts.py").write_text(
        f"{planted}\nfrom samestep.commands.main import main\nmain(['list'])\n"
    )
    with_path = {**running(), "env": {**os.environ, "PYTHONPATH": f"{CHECKOUT}:{tmp_path}"}}
    done = subprocess.run([sys.executable, "-m", "interrupts"], **with_path, timeout=60)
    assert (done.returncode, done.stderr) == (3, "samestep: interrupted; what was recorded is kept\n")


def test_a_run_that_was_killed_is_readable_and_leaves_no_worker(impls, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # nobody clears away the caches of what is killed
    asked = command("bench", "rigged/numpy_*", "--impls", impls, "--out", tmp_path, "--invocations", 99)
    with subprocess.Popen(asked, **running()) as bench:
        assert wait_until(
            lambda: any('"sample"' in p.read_text() for p in tmp_path.glob("*/*/samples.jsonl"))
        )
        workers = psutil.Process(bench.pid).children(recursive=True)
        bench.kill()
    assert wait_until(lambda: all(gone(worker.pid) for worker in workers), 2)
    assert samestep("report", "--out", tmp_path).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_fills_up_is_one_line(copied):
    """As far as the run had come, and then no byte more."""
    samples = copied / "samples.jsonl"
    samples.unlink()
    samples.symlink_to("/dev/full")
    done = samestep("run", "--resume", copied)
    assert done.returncode == 3
    assert "samples.jsonl cannot be written: No space left on device" in errors(done)[-1]


def test_elsewhere_than_on_linux_one_line_says_so():
    start = "import sys; sys.platform = 'darwin'; from samestep.commands.main import main; main(['list'])"
    done = subprocess.run([sys.executable, "-c", start], **{**running(), "cwd": CHECKOUT}, timeout=60)
    assert "samestep runs on Linux" in said(done)


# -- what a review found ------------------------------------------------------------------------------------


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
    assert cells["numpy_good"]["tasks"]["train"]["ratio"]


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


def test_another_version_does_not_join_an_old_run(copied):
    about = json.loads((copied / "run.json").read_text())
    about["versions"]["numpy"] = "1.0"
    (copied / "run.json").write_text(json.dumps(about))
    assert "numpy has another version than when" in said(samestep("run", "--resume", copied))
    assert "leave the selectors, --sweep and --shard out" in said(
        samestep("run", "rigged", "--resume", copied)
    )


def test_check_tells_what_a_verdict_rests_on():
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


def test_a_mistake_gets_words(tmp_path):
    source = (CHECKOUT / "impls/two_layer/numpy_manual.py").read_text()
    file = tmp_path / "numpy_mine.py"
    file.write_text(source.replace("grad_y_pred = 2 * (", "grad_y_pred = ("))
    done = samestep("check", "two_layer:tiny", "--file", str(file), "--json")
    assert done.returncode == 1
    for cell in json.loads(done.stdout)["cells"]:
        assert cell["diagnosis"] == {"kind": "factor", "text": "grad_y_pred is 0.5 times what it should be"}
