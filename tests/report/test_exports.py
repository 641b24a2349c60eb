"""A run in pytest-benchmark's format: its numbers are pytest-benchmark's own, and its `compare` reads it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.plugin import pytest_benchmark_generate_json
from pytest_benchmark.stats import Metadata, Stats

from samestep.errors import SamestepError
from samestep.records.store import Run
from samestep.records.validated import ValidatedRun
from samestep.report import pytest_benchmark
from samestep.report.run_files import write_files
from tests.made.records import cell, key, saved, write_lines

pytestmark = pytest.mark.process

# -- the numbers -----------------------------------------------------------------------------------------


def durations() -> list[list[float]]:
    """All small counts, even and odd; a few large ones; ties; what is far off."""
    rng = random.Random(0)
    drawn = [
        [rng.lognormvariate(-9, 0.5) for _ in range(n)] for n in (*range(1, 26), 60, 101) for _ in "abcd"
    ]
    ties = [[rng.choice((0.1, 0.3, 7e-5)) for _ in range(n)] for n in range(1, 14)]
    far = [[*(rng.lognormvariate(-9, 0.1) for _ in range(n)), 1e-9, 5.0] for n in range(3, 14)]
    return [*drawn, *ties, *far, [0.0], [0.0, 0.0], [0.1] * 7]


@pytest.mark.parametrize("data", durations(), ids=lambda data: str(len(data)))
def test_the_numbers_are_pytest_benchmarks_to_the_last_bit(data):
    theirs = Stats()
    for value in data:
        theirs.update(value)
    assert pytest_benchmark.stats(data) == theirs.as_dict()
    assert tuple(pytest_benchmark.stats(data)) == Stats.fields


# -- a run -----------------------------------------------------------------------------------------------

TASKS = {"forward": {"flops": 12.0}, "train": {"flops": 48.0}}
LOOPS = (2, 3)  # of the first process and of the second
SLOWER = {"numpy_manual": 1, "torch_manual": 2, "jax_scan": 4, "numpy_dies": 8, "keras_fit": 1}
TIMED = ["numpy_manual", "torch_manual", "jax_scan"]


def plan(run: str, revision: str | None) -> dict:
    cells = [cell(name) for name in (*SLOWER, "sklearn_mlp")]
    return {
        "schema": 1, "run": run, "options": {"threads": 1}, "profile": {"invocations": 2, "rounds": 3},
        "machine": {
            "cpu": "A CPU", "processors": 2, "cores": 1, "governor": None, "memory_bytes": 1 << 30,
            "gpus": [], "os": "Linux 6.1", "python": "3.12.1", "executable": "python",
            "revision": revision, "load": 0.5,
        },
        "versions": {"numpy": "2.4.6"}, "cells": cells, "tasks": {"two_layer:tiny": TASKS}, "sources": {},
    }  # fmt: skip


def seconds(name: str, task: str, invocation: int, turn: int, pace: float = 1.0) -> float:
    """Of one call, in numbers that a sum of floats holds."""
    return pace * SLOWER[name] * (4 if task == "train" else 1) * (16 + invocation + 2 * turn) / 1024


def records(pace: float = 1.0) -> list[dict]:
    """Three implementations agree, one dies after its first round, one disagrees, and one never ran."""
    found = []
    for name in SLOWER:
        verdict = "disagree" if name == "keras_fit" else "agree"
        for invocation, loops in enumerate(LOOPS):
            where = {"cell": key(name), "arena": 0, "invocation": invocation}
            found.append({"kind": "verdict", **where, "verdict": verdict, "reason": None})
            if verdict == "disagree":
                continue
            found.append(
                {
                    "kind": "start", **where, "framework": {"versions": {"numpy": "2.4.6"}},
                    "first_call_seconds": {}, "steps": {"forward": None, "train": 4},
                }
            )  # fmt: skip
            found += [
                {
                    "kind": "sample", **where, "round": turn, "task": task, "loops": loops,
                    "disturbed": False,
                    "seconds": loops * seconds(name, task, invocation, turn, pace),
                }
                for turn in range(1 if name == "numpy_dies" else 3)
                for task in reversed(TASKS)
            ]  # fmt: skip
            if name == "numpy_dies":
                found.append({"kind": "verdict", **where, "verdict": "crashed", "reason": "exited"})
    return found


def made(folder: Path, pace: float = 1.0, revision: str | None = "0123456789ab") -> Run:
    return saved(folder, plan("2026-11-21T20-30-39-2", revision), records(pace))


def exported(run: Run) -> dict:
    (path,) = pytest_benchmark.write(run)
    return json.loads(path.read_text())


def test_each_cell_and_task_that_was_timed_is_a_benchmark(tmp_path):
    found = exported(made(tmp_path / "run"))["benchmarks"]
    assert [(b["group"], b["name"], b["fullname"]) for b in found] == [
        (f"two_layer:tiny {task} float32 cpu", name, f"{key(name)}/{task}")
        for name in TIMED
        for task in TASKS
    ]


def test_a_disturbed_sample_that_was_re_measured_does_not_count(tmp_path):
    run = made(tmp_path / "run")
    before = exported(run)
    sample = next(record for record in records() if record["kind"] == "sample")
    write_lines(run, [sample | {"disturbed": True, "repeated": True, "seconds": 99.0}])
    assert exported(run) == before


def test_its_data_are_the_seconds_of_one_call_in_the_order_of_the_records(tmp_path):
    for bench in exported(made(tmp_path / "run"))["benchmarks"]:
        task = bench["extra_info"]["task"]
        data = [seconds(bench["name"], task, process, turn) for process in range(2) for turn in range(3)]
        assert bench["stats"] == {**pytest_benchmark.stats(data), "data": data, "iterations": 2}
        assert bench["extra_info"] == {
            "workload": "two_layer", "case": "tiny", "framework": bench["name"].split("_")[0],
            "dtype": "float32", "device": "cpu", "matmul": "float32", "threads": 1, "task": task,
            "flops": TASKS[task]["flops"], "loops": [2, 3],
            "run": "2026-11-21T20-30-39-2", "machine": "A CPU, 2 processors", "unit": "s",
        }  # fmt: skip


class Fixture:
    """What pytest-benchmark makes its metadata from."""

    name = fullname = group = param = params = extra_info = cprofile_stats = None
    has_error = False


def test_the_fields_are_those_that_pytest_benchmark_writes(tmp_path):
    theirs = Metadata(Fixture(), 1, {})
    theirs.update(1.0)
    whole = pytest_benchmark_generate_json(None, [theirs], True, {}, {})
    mine = exported(made(tmp_path / "run"))
    assert set(mine) == set(whole)
    for bench in mine["benchmarks"]:
        assert set(bench) == set(whole["benchmarks"][0])
        assert set(bench["stats"]) == set(whole["benchmarks"][0]["stats"])


@pytest.mark.parametrize(
    ("revision", "commit", "dirty"),
    [
        ("0123456789ab", "0123456789ab", False),
        ("0123456789ab-dirty", "0123456789ab", True),
        (None, "unversioned", False),
    ],
)
def test_it_says_when_where_and_of_what_revision(tmp_path, revision, commit, dirty):
    found = exported(made(tmp_path / "run", revision=revision))
    assert found["datetime"] == "2026-11-21T20:30:39+00:00"
    assert (found["commit_info"]["id"], found["commit_info"]["dirty"]) == (commit, dirty)
    machine = found["machine_info"]
    assert (machine["system"], machine["release"], machine["python_version"]) == ("Linux", "6.1", "3.12.1")
    assert machine["cpu"] == {"brand_raw": "A CPU", "count": 2}
    assert machine["versions"] == {"numpy": "2.4.6"}


def test_the_same_records_give_the_same_bytes_and_others_do_not(tmp_path):
    runs = [made(tmp_path / "one"), made(tmp_path / "two"), made(tmp_path / "three", pace=1.5)]
    one, two, three = (pytest_benchmark.write(run)[0].read_bytes() for run in runs)
    assert one == two != three
    assert pytest_benchmark.write(runs[0])[0].read_bytes() == one


def test_a_run_without_a_sample_has_no_benchmark(tmp_path):
    run = made(tmp_path / "run")
    run.samples.write_text("")
    assert exported(run)["benchmarks"] == []


def test_it_is_written_with_the_other_files_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr("samestep.report.charts.available", lambda: False)
    run = made(tmp_path / "run")
    lines = list(write_files([ValidatedRun(run.folder)], run.folder))
    names = {path.name for path in run.folder.iterdir()}
    assert names == {"run.json", "samples.jsonl", "report.md", "report.csv", "benchmark.json"}
    assert f"wrote {run.folder / 'benchmark.json'}" in lines


def test_a_folder_that_takes_no_file_is_an_error_that_names_it(tmp_path):
    run = made(tmp_path / "run")
    (run.folder / "benchmark.json").mkdir()
    with pytest.raises(SamestepError, match=r"benchmark\.json cannot be written"):
        pytest_benchmark.write(run)


# -- the reader ------------------------------------------------------------------------------------------


def compare(folder: Path, *files: Path) -> dict[str, list[list[str]]]:
    """Its tables as it prints them: group -> rows of words."""
    command = [sys.executable, "-m", "pytest_benchmark", "compare", "--columns=min,median,rounds,iterations"]
    done = subprocess.run(
        [*command, *map(str, files)], cwd=folder, capture_output=True, text=True, timeout=120, check=True
    )
    assert "Failed to load" not in done.stderr
    tables: dict[str, list[list[str]]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("-") and "'" in line:
            rows = tables.setdefault(line.split("'")[1], [])
        elif line.split("_")[0] in ("numpy", "torch", "jax", "keras", "sklearn"):
            rows.append(line.split())
    return tables


def test_compare_names_the_implementations_the_fastest_first(tmp_path):
    (path,) = pytest_benchmark.write(made(tmp_path / "run"))
    tables = compare(tmp_path, path)
    assert list(tables) == [f"two_layer:tiny {task} float32 cpu" for task in TASKS]
    for rows in tables.values():
        assert [row[0] for row in rows] == TIMED
        assert [row[-2:] for row in rows] == 3 * [["6", "2"]]
    assert "15.6250" in tables["two_layer:tiny forward float32 cpu"][0]  # milliseconds, 16 / 1024 s


def test_compare_sets_two_runs_side_by_side(tmp_path):
    before, after = made(tmp_path / "before"), made(tmp_path / "after", pace=1.5)
    tables = compare(tmp_path, *(path for run in (before, after) for path in pytest_benchmark.write(run)))
    assert len(tables) == len(TASKS)
    for rows in tables.values():
        assert [(row[0], "before" in row[1], "after" in row[1]) for row in rows] == [
            (name, not late, late) for name in TIMED for late in (False, True)
        ]
    rows = tables["two_layer:tiny forward float32 cpu"]
    assert ["15.6250" in rows[0], "23.4375" in rows[1]] == [True, True]
