"""`samestep compare` on runs whose truth is known: what it prints, in which form, and its exit code."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from samestep.analysis import statistics
from samestep.commands.main import main
from samestep.records.store import Run
from tests.made.records import NAMES, TASKS, about, changed, key, records, saved, slower
from tests.made.rungs import command, running

FRAMEWORKS = {"torch", "tensorflow", "jax", "keras", "sklearn", "sympy", "onnx", "onnxruntime"}


def samestep(before: Run | Path, after: Run | Path, *more: str, columns: int = 80) -> Result:
    folders = [str(one.folder if isinstance(one, Run) else one) for one in (before, after)]
    done = CliRunner().invoke(main, ["compare", *folders, *more], env={"COLUMNS": str(columns)})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    """The intervals of single times are not asked for here, and they take long."""
    monkeypatch.setattr(statistics, "DRAWS", 20)


@pytest.fixture
def before(tmp_path) -> Run:
    return saved(tmp_path / "before")


# -- verdicts --------------------------------------------------------------------------------------------


def with_verdict(name: str, verdict: str, **more: Any) -> list[dict[str, Any]]:
    """The records of a run in which one cell has this verdict."""
    kept = [r for r in records() if r["cell"] != key(name)]
    where = {"cell": key(name), "arena": 0, "invocation": 0}
    return [*kept, {"kind": "verdict", **where, "verdict": verdict, "reason": f"is {verdict}", **more}]


@pytest.mark.parametrize(
    ("one", "other", "worse"),
    [
        ("agree", "suspect", True), ("agree", "disagree", True), ("agree", "unavailable", True),
        ("suspect", "disagree", True), ("disagree", "agree", False), ("disagree", "suspect", False),
        ("disagree", "crashed", False), ("crashed", "unavailable", False),
    ],
)  # fmt: skip
def test_a_verdict_that_changed_is_shown_and_fails_where_it_got_worse(tmp_path, one, other, worse):
    divergence = {
        "step": 0, "task": "train", "tensor": "w1", "index": [0, 1], "got": 2.0, "expected": 1.0,
        "error": 1.0, "limit": 0.5, "test": "scale",
    }  # fmt: skip
    runs = [
        saved(tmp_path / "a", kept=with_verdict("jax_scan", one)),
        saved(tmp_path / "b", kept=with_verdict("jax_scan", other, first_divergence=divergence)),
    ]
    done = samestep(*runs, "--json")
    found = json.loads(done.stdout)
    assert [(v["implementation"], v["before"], v["after"], v["worse"]) for v in found["verdicts"]] == [
        ("jax_scan", one, other, worse)
    ]
    assert found["verdicts"][0]["reason"] == f"is {other}"
    assert found["verdicts"][0]["first_divergence"] == divergence
    assert (found["worse"], done.exit_code) == (worse, int(worse))
    shown = " ".join(samestep(*runs).stdout.split())
    word = "worse" if worse else "better" if other in ("agree", "suspect") else "other"
    assert f"two_layer:tiny jax_scan verdict {one} -> {other} {word}" in shown
    assert f"{key('jax_scan')}: is {other}" in shown
    page = samestep(*runs, "--format", "markdown").stdout
    assert f"| two_layer:tiny/jax_scan | verdict |  |  | {one} -&gt; {other} | {word} | the same |" in page


# -- what differs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("machine os", "Linux 7", "machine.os"),
        ("machine governor", "powersave", "machine.governor"),
        ("machine gpus 0 driver", "2", "machine.gpus.0.driver"),
        ("machine revision", None, "machine.revision"),
        ("options seed", 3, "options.seed"),
        ("options dtypes", ["float32", "float64"], "options.dtypes"),
        ("options pythons", {"jax": "python3"}, "options.pythons.jax"),
        ("profile rounds", 9, "profile.rounds"),
        ("environment cpu OMP_NUM_THREADS", "2", "environment.cpu.OMP_NUM_THREADS"),
        ("sources two_layer/jax_scan", "edited", "sources.two_layer/jax_scan"),
    ],
)
def test_a_field_that_differs_is_named_before_any_ratio(tmp_path, before, path, value, field):
    after = saved(tmp_path / "after", changed(path, value))
    done = samestep(before, after)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    (named,) = (number for number, line in enumerate(lines) if line.startswith(f"  {field}: "))
    assert named < next(number for number, line in enumerate(lines) if "8 the same" in line)
    assert [d["field"] for d in json.loads(samestep(before, after, "--json").stdout)["differences"]] == [
        field
    ]
    assert "nothing differs" not in done.stdout


@pytest.mark.parametrize(
    ("path", "value"), [("machine load", 7.5), ("run", "another"), ("selectors", ["two_layer"])]
)
def test_what_always_differs_is_not_a_difference(tmp_path, before, path, value):
    done = samestep(before, saved(tmp_path / "after", changed(path, value)))
    assert "nothing differs" in done.stdout
    assert done.exit_code == 0


def test_two_machines_are_named_first(tmp_path, before):
    after = saved(tmp_path / "after", changed("machine cpu", "B CPU"))
    for form in ("table", "markdown"):
        assert (
            "two machines: A CPU and B CPU"
            in samestep(before, after, "--format", form).stdout.partition("efore")[0]
        )


def test_cells_of_only_one_run_are_listed_and_unfinished_ones_are_not_worse(tmp_path, before):
    names = NAMES[:3]
    after = saved(tmp_path / "after", about(names), records(names=names))
    found = json.loads(samestep(before, after, "--json").stdout)
    assert (found["only_before"], found["only_after"], found["worse"]) == ([key("keras_fit")], [], False)
    assert found["differences"] == []  # what was not selected has no source that changed
    assert f"only after: {key('keras_fit')}" in " ".join(samestep(after, before).stdout.split())
    unfinished = saved(tmp_path / "unfinished", kept=records(names=names))
    done = samestep(before, unfinished, "--json")
    assert (json.loads(done.stdout)["only_before"], done.exit_code) == ([key("keras_fit")], 0)


# -- what is printed -------------------------------------------------------------------------------------


def test_slower_exits_1_and_the_machine_is_named(tmp_path, before):
    one = samestep(before, saved(tmp_path / "one", kept=records(slower("jax_scan", 1.5))))
    assert (one.exit_code, "2 slower, 6 the same within 2 %" in one.stdout) == (1, True)
    everything = samestep(before, saved(tmp_path / "all", kept=records(lambda *_: 1.5)))
    text = " ".join(everything.stdout.split())
    assert (everything.exit_code, "2 slower, 6 the same" in text) == (1, True)
    assert "is slower in train_step, train: the cause may be the machine, or numpy" in text


def table(done: Result) -> list[str]:
    """The rows of the table in the terminal."""
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    start = next(number for number, line in enumerate(lines) if set(line) == {"─"}) + 1
    end = next(number for number, line in enumerate(lines) if line.startswith("before and after:"))
    return [line for line in lines[start:end] if line]


def test_one_table_has_what_changed_the_slower_first_and_the_rest_is_one_line(tmp_path, before):
    pace = {"torch_manual": 0.5, "jax_scan": 1.25, "keras_fit": 2.0}
    after = saved(tmp_path / "after", kept=records(lambda name, _: pace.get(name, 1.0)))
    done = samestep(before, after)
    assert table(done) == [
        f"two_layer:tiny {name} {task} 977 µs {took} {ratio} ({ratio}-{ratio}) {word}"
        for name, took, ratio, word in (
            ("keras_fit", "1.95 ms", "2.000", "slower"),
            ("jax_scan", "1.22 ms", "1.250", "slower"),
            ("torch_manual", "488 µs", "0.500", "faster"),
        )
        for task in TASKS
    ]
    assert "what changed, in float32 on the cpu" in done.stdout
    text = " ".join(done.stdout.split())
    assert "4 slower, 2 faster, 2 the same within 2 %; in half of them a slowdown of" in text
    assert text.endswith("all 8, one by one: --format csv")


def test_an_absolute_change_has_a_star(tmp_path, before):
    after = saved(tmp_path / "after", kept=records(lambda *_: 1.5))
    done = samestep(before, after, columns=100)
    assert [row.rpartition(" ")[2] for row in table(done)] == ["slower*", "slower*"]
    assert "* of the time itself" in " ".join(done.stdout.split())


def test_where_nothing_changed_there_is_no_table(tmp_path, before):
    lines = samestep(before, saved(tmp_path / "after")).stdout.splitlines()
    assert any(line.startswith("no real change: 8 the same within 2 %") for line in lines)
    assert not any("977 µs" in line for line in lines)
    assert len(lines) < 12


def test_dtype_and_device_are_named_where_they_are_not_all_the_same(tmp_path):
    def wider(document: Any) -> Any:
        return json.loads(json.dumps(document).replace("jax_scan/float32", "jax_scan/float64"))

    plan = wider(about())
    next(one for one in plan["cells"] if one["implementation"] == "jax_scan")["dtype"] = "float64"
    slow = records(lambda name, _: 2.0 if name in ("jax_scan", "keras_fit") else 1.0)
    both = [saved(tmp_path / name, plan, wider(kept)) for name, kept in (("a", records()), ("b", slow))]
    rows = table(samestep(*both, columns=120))
    assert [row.partition(" cpu ")[0] for row in rows] == [
        *2 * ["two_layer:tiny jax_scan float64"], *2 * ["two_layer:tiny keras_fit float32"],
    ]  # fmt: skip


def test_of_very_many_cells_of_one_run_a_few_are_named(tmp_path, before):
    names = (*NAMES, *(f"jax_{number}" for number in range(30)))
    after = saved(tmp_path / "after", about(names), records(names=names, invocations=1))
    for form in ("table", "markdown"):
        text = samestep(before, after, "--format", form).stdout
        assert text.count("only after: ") == 11
        assert "only after: 20 more" in text
    assert len(json.loads(samestep(before, after, "--json").stdout)["only_after"]) == 30


def test_a_table_fits_80_columns_and_has_no_colour_in_a_pipe(tmp_path):
    wide = [r | {"cell": r["cell"].replace("jax_scan", "jax_a_name_that_is_long_indeed")} for r in records()]
    plan = json.loads(json.dumps(about()).replace("jax_scan", "jax_a_name_that_is_long_indeed"))
    slow = [r | {"seconds": 16 * r["seconds"]} if "long" in r["cell"] and "task" in r else r for r in wide]
    runs = [saved(tmp_path / name, plan, kept) for name, kept in (("a", wide), ("b", slow))]
    shown = samestep(*runs).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    assert "…" not in shown
    assert "16.000 (16.000-16.000)" in shown
    assert "jax_a_name_that_is_long_indeed" in re.sub(r"\s+", "", shown.partition("what changed")[2])


NASTY = "[bold]<b>1</b>|`x`\x1b[31m"


def test_markup_in_a_version_or_a_path_is_text(tmp_path):
    runs = [
        saved(tmp_path / "[red]<i>a|b"),
        saved(tmp_path / "[link=x]c", changed("machine os", NASTY)),
    ]
    shown = samestep(*runs).stdout
    assert "[bold]<b>1</b>|`x`\\x1b[31m" in shown
    assert "[red]<i>a|b" in shown.replace("\n", "")
    page = samestep(*runs, "--format", "markdown").stdout
    assert "\\[bold\\]&lt;b&gt;1&lt;/b&gt;\\|\\`x\\`" in page
    assert not re.search(r"<(?!/?(details|summary|sub)>)[a-z/]", page)
    assert "\x1b" not in shown + page
    assert json.loads(samestep(*runs, "--json").stdout)["differences"][0]["after"] == NASTY


def test_a_torn_last_line_is_named_and_left_out(tmp_path, before):
    after = saved(tmp_path / "after")
    with after.samples.open("a") as file:
        file.write('{"schema": 1, "kind": "verdict", "verdict": "disag')
    done = samestep(before, after, "--json")
    assert done.stderr == f"samestep: {after.samples}: the last line is torn and is left out\n"
    assert (json.loads(done.stdout)["verdicts"], done.exit_code) == ([], 0)


def test_a_damaged_record_is_named_and_left_out(tmp_path, before):
    after = saved(tmp_path / "after")
    lines = after.samples.read_text().splitlines()
    wrong = json.dumps({"schema": 1, "kind": "sample", "cell": key("jax_scan"), "seconds": "\ud800"})
    after.samples.write_text("\n".join([*lines, "{torn", wrong, '{"schema": 1, "kind": "gossip"}']) + "\n")
    done = samestep(before, after, "--json")
    assert done.exit_code == 0
    assert [line.partition(" is left out, ")[2].partition(":")[0] for line in done.stderr.splitlines()] == [
        "damaged", "damaged", "foreign",
    ]  # fmt: skip
    whole = json.loads(samestep(before, saved(tmp_path / "same"), "--json").stdout)["cells"]
    assert json.loads(done.stdout)["cells"] == [{**one, "run_after": "after"} for one in whole]


@pytest.mark.parametrize("first", [True, False])
def test_a_run_whose_head_is_damaged_is_one_clear_line(tmp_path, before, first):
    damaged = saved(tmp_path / "damaged", {**about(), "tasks": None})
    done = samestep(*((damaged, before) if first else (before, damaged)))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"samestep: {damaged.folder / 'run.json'} is damaged: 'tasks' is not what a run has there\n"
    )


def test_json_is_one_document_of_finite_numbers_with_the_fields_that_are_promised(tmp_path):
    runs = [saved(tmp_path / name, kept=records(invocations=1)) for name in "ab"]

    def refused(name: str) -> None:
        raise AssertionError(name)

    found = json.loads(samestep(*runs, "--json").stdout, parse_constant=refused)
    assert set(found) == {
        "differences", "cells", "verdicts", "only_before", "only_after", "worse", "longer", "status",
    }  # fmt: skip
    assert found["longer"] is None
    assert [one["finished"] for one in found["status"].values()] == [False, False]  # 1 of 6 processes
    row = next(c for c in found["cells"] if (c["implementation"], c["task"]) == ("jax_scan", "train"))
    assert row == {
        "workload": "two_layer", "implementation": "jax_scan", "case": "tiny", "dtype": "float32",
        "device": "cpu", "task": "train", "before": 2**-10, "after": 2**-10, "of": "a step", "ratio": 1.0,
        "ci": [0.0, "inf"], "word": "unclear", "compared": "to the baseline", "why": None,
        "baseline": False, "noise": 1.0, "detectable": "inf", "run_before": "a", "run_after": "b",
        **dict.fromkeys(("machine_before", "machine_after"), "A CPU, 2 processors, A GPU"),
        **dict.fromkeys(("revision_before", "revision_after")), "unit": "s",
    }  # fmt: skip


def test_markdown_has_a_table_where_something_changed_and_none_where_nothing_did(tmp_path, before):
    nothing = samestep(before, saved(tmp_path / "same"), "--format", "markdown").stdout
    assert nothing.startswith("### samestep: 8 the same within 2 %\n")
    assert "| implementation |" not in nothing
    after = saved(tmp_path / "after", kept=records(slower("jax_scan", 2.0)))
    page = samestep(before, after, "--format", "markdown")
    rows = [line for line in page.stdout.splitlines() if line.startswith("| two")]
    assert page.exit_code == 1
    assert [re.split(r" ?\| ?", row)[2:-1] for row in rows] == [
        [task, "977 µs", "1.95 ms", "2.000 (2.000-2.000)", "slower", "the same", "to the baseline"]
        for task in ("train_step", "train, a step")
    ]


def test_a_run_is_not_compared_with_itself(before):
    done = samestep(before, before.folder / ".." / before.folder.name)
    assert done.exit_code == 2
    assert "are the same run: name another to compare it with" in done.stderr


def test_markdown_of_short_runs_says_what_is_possible_and_how_long_a_run_would_tell_more(tmp_path):
    runs = [saved(tmp_path / name, kept=records(seed=n, invocations=3)) for n, name in enumerate("ab")]
    done = samestep(*runs, "--format", "markdown")
    assert done.exit_code == 0
    (told,) = re.findall(r"Could not be told: (\d+) timings", done.stdout)
    assert len(re.findall(r"^\| two_.* faster to .* slower \|$", done.stdout, re.MULTILINE)) == int(told)
    assert re.search(r"A slowdown of 5 % .* invocations, where 3 invocations were taken here", done.stdout)
    assert str(tmp_path) not in done.stdout


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_runs_without_a_cell_in_common_cannot_be_compared(tmp_path, before, form):
    plan = json.loads(json.dumps(about()).replace("/1t", "/2t").replace('"threads": 1', '"threads": 2'))
    after = saved(
        tmp_path / "after", plan, [r | {"cell": r["cell"].replace("/1t", "/2t")} for r in records()]
    )
    done = samestep(before, after, "--format", form)
    assert (done.exit_code, done.stdout) == (2, "")
    mine = key("numpy_manual")
    assert done.stderr == (
        f"samestep: {before.folder} and {after.folder} have no cell in common: the first has {mine} and "
        f"3 more, the second {mine.replace('/1t', '/2t')} and 3 more\n"
    )


def test_csv_has_a_row_for_each_change(tmp_path, before):
    after = saved(tmp_path / "after", kept=records(slower("jax_scan", 2.0)))
    rows = list(csv.DictReader(io.StringIO(samestep(before, after, "--format", "csv").stdout)))
    assert len(rows) == len(NAMES) * len(TASKS)
    assert {row["implementation"] for row in rows if row["word"] == "slower"} == {"jax_scan"}
    assert {float(row["ratio"]) for row in rows if row["word"] == "slower"} == {2.0}


@pytest.mark.parametrize("first", [True, False])
def test_a_folder_that_is_not_a_run_is_one_clear_line(tmp_path, before, first):
    nowhere = tmp_path / "nowhere"
    done = samestep(*((nowhere, before) if first else (before, nowhere)))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"samestep: {nowhere} is not a run: it has no run.json\n"


@pytest.mark.process
def test_compare_imports_no_framework(tmp_path, before):
    after = saved(tmp_path / "after")
    asked = [sys.executable, "-X", "importtime", *command("compare", before.folder, after.folder)[1:]]
    done = subprocess.run(asked, **running(), timeout=60)
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "numpy" in imported
    assert not imported & FRAMEWORKS
