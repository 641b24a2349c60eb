"""``samestep list``, ``--version`` and ``data`` as a user types them."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from tests.made.command_line import error_lines
from tests.made.rungs import samestep

pytestmark = pytest.mark.process


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
    assert error_lines(done) == ["samestep: --json and --format csv: ask for one of them"]


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


def test_list_with_probe_asks_the_frameworks_themselves():
    listed = json.loads(samestep("list", "two_layer/numpy_*", "--probe", "--json", "--threads", 1).stdout)
    (row,) = (row for row in listed["frameworks"] if row["framework"] == "numpy")
    assert row["devices"]["cpu"]["threads"] == 1


def test_data_is_mounted():
    assert samestep("data", "path", "mnist_sample").stdout.strip().endswith("samestep/data/sample")
    done = samestep("data", "verify", "mnist_sample")
    assert done.returncode == 0
    assert "10000 + 2000 images, all right" in done.stdout
    assert samestep("data", "path", "nonsense").returncode == 2
