"""Two runs, of hand-written records whose truth is known: what is called changed, and what is not."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from samestep.analysis import statistics
from samestep.analysis.run_diff import Comparison, Difference, Side, compare
from samestep.commands.compare import document, markdown
from samestep.commands.main import main
from samestep.records.store import Run
from tests.made.rungs import command, running

NAMES = ("numpy_manual", "torch_manual", "jax_scan", "keras_fit")
TASKS = {"train_step": {"flops": 24.0}, "train": {"flops": 96.0}}
SECONDS = {"train_step": 2**-10, "train": 2**-8}
STEPS = {"train_step": None, "train": 4}
INVOCATIONS, ROUNDS = 6, 8
FRAMEWORKS = {"torch", "tensorflow", "jax", "keras", "sklearn", "sympy"}

Pace = Callable[[str, str], float]


def key(name: str, twin: bool = False) -> str:
    return f"two_layer:tiny/{name}/float32/cpu/float32/1t{'/again' if twin else ''}"


def cell(name: str, twin: bool = False) -> dict[str, Any]:
    return {
        "workload": "two_layer", "case": "tiny", "implementation": name, "framework": name.split("_")[0],
        "dtype": "float32", "device": "cpu", "matmul": "float32", "threads": 1, "twin": twin,
        "key": key(name, twin), "baseline": key("numpy_manual"),
    }  # fmt: skip


def about(names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    return {
        "schema": 1, "run": "a run", "selectors": [],
        "options": {"threads": 1, "seed": 0, "dtypes": ["float32"], "pythons": {}},
        "profile": {"invocations": INVOCATIONS, "rounds": ROUNDS},
        "machine": {
            "cpu": "A CPU", "processors": 2, "gpus": [{"name": "A GPU", "driver": "1"}], "os": "Linux 6.1",
            "python": "3.12.1", "revision": "0123456789ab", "load": 0.5,
        },
        "environment": {"cpu": {"OMP_NUM_THREADS": "1"}},
        "versions": {"numpy": "2.4.6", "torch": "2.13"},
        "cells": [cell(names[0]), cell(names[0], twin=True), *(cell(name) for name in names[1:])],
        "tasks": {"two_layer:tiny": {name: dict(task) for name, task in TASKS.items()}},
        "sources": {f"two_layer/{name}": f"hash of {name}" for name in names},
    }  # fmt: skip


def same(_: str, __: str) -> float:
    return 1.0


def slower(name: str, factor: float) -> Pace:
    return lambda one, _: factor if one == name else 1.0


def records(
    pace: Pace = same,
    seed: int | None = None,
    invocations: int = INVOCATIONS,
    names: tuple[str, ...] = NAMES,
    again: float = 1.0,
    scatter: float = 0.0,
) -> list[dict[str, Any]]:
    """What agrees and takes its time: exactly, or (``seed``) with 1 % of noise in each sample, weather of 3 %
    that all samples of a round share, and ``scatter`` of each process. The samples of the baseline's second
    name take ``again`` times as long."""
    draw = random.Random(seed)
    noise = draw.lognormvariate if seed is not None else lambda mean, scatter: 1.0
    found = []
    for invocation in range(invocations):
        weather = [noise(0, 0.03) for _ in range(ROUNDS)]
        for name, twin in [(name, False) for name in names] + [(names[0], True)]:
            where = {"cell": key(name, twin), "arena": 0, "invocation": invocation}
            told = {"versions": {name.split("_")[0]: "1.0"}}
            found.append({"kind": "verdict", **where, "verdict": "agree", "reason": None})
            found.append({"kind": "start", **where, "framework": told, "steps": STEPS})
            for task in TASKS:
                own = SECONDS[task] * pace(name, task) * noise(0, scatter) * (again if twin else 1.0)
                found += [
                    {
                        "kind": "sample", **where, "round": turn, "task": task, "loops": 2,
                        "seconds": 2 * own * weather[turn] * noise(0, 0.01), "disturbed": False,
                    }
                    for turn in range(ROUNDS)
                ]  # fmt: skip
    return found


def side(pace: Pace = same, seed: int | None = None, **more: Any) -> Side:
    return Side.of(about(), records(pace, seed, **more))


def spoken(found: Comparison) -> dict[tuple[str, str], str]:
    return {(c.cell["implementation"], c.task): c.contrast.word for c in found.changes}


def saved(folder: Path, said: dict[str, Any] | None = None, kept: list[dict] | None = None) -> Run:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(said or about()))
    run = Run(folder)
    run.append(records() if kept is None else kept)
    return run


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


# -- what is called, over many runs ----------------------------------------------------------------------

SEEDS = 40


@pytest.mark.parametrize("scatter", [0.0, 0.01])
def test_no_change_is_hardly_ever_called_one(scatter):
    pairs = ([side(seed=s, scatter=scatter) for s in (seed, 1000 + seed)] for seed in range(SEEDS))
    words = [word for pair in pairs for word in spoken(compare(*pair)).values()]
    assert len(words) == SEEDS * len(NAMES) * len(TASKS)
    assert (
        words.count("slower") + words.count("faster") <= 1
    )  # of 40 comparisons one in a hundred may be wrong
    assert scatter or words.count("tie") > len(words) / 2  # most are known to be nothing, not just unknown


def test_a_cell_that_got_5_percent_slower_is_found_and_no_other_is_accused():
    for seed in range(SEEDS):
        found = compare(side(seed=seed), side(slower("jax_scan", 1.05), 1000 + seed))
        assert {one for one, word in spoken(found).items() if word in ("slower", "faster")} == {
            ("jax_scan", task) for task in TASKS
        }
        assert found.worse


def test_the_interval_of_a_change_covers_the_truth_as_often_as_it_says():
    comparisons = [
        compare(side(seed=seed), side(slower("jax_scan", 1.05), 1000 + seed)) for seed in range(SEEDS)
    ]
    held = [
        c.contrast.low <= (1.05 if c.cell["implementation"] == "jax_scan" else 1.0) <= c.contrast.high
        for found in comparisons
        for c in found.changes
    ]
    assert 0.9 < sum(held) / len(held) < 0.99


def test_a_cell_that_got_faster_is_no_reason_to_fail():
    found = compare(side(seed=1), side(slower("jax_scan", 0.9), 2))
    assert spoken(found)["jax_scan", "train"] == "faster"
    assert not found.worse


def test_a_machine_that_got_slower_is_the_baselines_change_and_no_cells():
    for seed in range(10):
        found = compare(side(seed=seed), side(lambda *_: 1.3, 1000 + seed))
        for change in found.changes:
            baseline = change.cell["implementation"] == "numpy_manual"
            assert (change.contrast.word == "slower") == change.baseline == baseline
            assert change.absolutely == ("it is the baseline" if baseline else None)
        assert found.worse


# -- exact times, exact answers --------------------------------------------------------------------------


def test_the_change_is_after_over_before_of_the_ratio_to_the_baseline():
    found = compare(side(), side(lambda name, _: {"jax_scan": 8.0, "numpy_manual": 2.0}.get(name, 2.0)))
    ratios = {
        (c.cell["implementation"], c.task): (round(c.contrast.value, 9), c.before, c.after)
        for c in found.changes
    }
    assert ratios["jax_scan", "train_step"] == (4.0, 2**-10, 2**-7)
    assert ratios["jax_scan", "train"] == (4.0, 2**-10, 2**-7)  # of one of four steps
    assert ratios["torch_manual", "train"] == (1.0, 2**-10, 2**-9)
    assert ratios["numpy_manual", "train"] == (2.0, 2**-10, 2**-9)
    assert len(found.changes) == len(NAMES) * len(TASKS)  # the second name is no cell


def changed(path: str, value: Any) -> dict[str, Any]:
    """What a run says of itself, with one field another."""
    said = about()
    *way, last = path.split(" ")
    inner: Any = said
    for name in way:
        inner = inner[int(name) if isinstance(inner, list) else name]
    inner[last] = value
    return said


def test_where_the_baselines_code_changed_all_is_compared_by_the_clock():
    after = Side.of(changed("sources two_layer/numpy_manual", "edited"), records(lambda *_: 2.0))
    found = compare(side(), after)
    assert {c.absolutely for c in found.changes} == {"the baseline numpy_manual has other code"}
    assert set(spoken(found).values()) == {"slower"}


@pytest.mark.parametrize("told", [{"versions": {"numpy": "2.0"}}, {"blas": ["openblas 0.4"]}])
def test_where_the_baseline_ran_with_other_versions_all_is_compared_by_the_clock(told):
    others = records()
    for record in others:
        if record["kind"] == "start" and "numpy" in record["cell"]:
            record["framework"] = {**record["framework"], **told}
    found = compare(side(), Side.of(about(), others))
    assert {c.absolutely for c in found.changes} == {"the baseline numpy_manual runs with other versions"}
    (difference,) = found.differences
    assert difference.field in ("versions.numpy.numpy", "versions.numpy.blas")


def test_a_variable_that_only_one_run_inherited_is_a_difference():
    after = {**about(), "inherited": {"cpu": {"OPENBLAS_CORETYPE": "Haswell"}}}
    found = compare(side(), Side.of(after, records()))
    assert found.differences == (Difference("inherited.cpu.OPENBLAS_CORETYPE", None, "Haswell"),)


def test_where_another_cells_version_changed_the_baseline_is_still_the_control():
    others = records()
    for record in others:
        if record["kind"] == "start" and "jax" in record["cell"]:
            record["framework"] = {"versions": {"jax": "2.0"}}
    found = compare(side(), Side.of(about(), others))
    assert [c.absolutely for c in found.changes if not c.baseline] == 6 * [None]
    assert [(d.field, d.before, d.after) for d in found.differences] == [("versions.jax.jax", "1.0", "2.0")]


def test_without_a_common_baseline_all_is_compared_by_the_clock():
    died = [r for r in records() if not (r["kind"] == "sample" and "numpy" in r["cell"])]
    found = compare(side(), Side.of(about(), died))
    assert {c.absolutely for c in found.changes} == {"the runs have no baseline in common"}
    assert "numpy_manual" not in {c.cell["implementation"] for c in found.changes}


def test_nothing_within_what_the_same_code_showed_is_called_a_change():
    planted = slower("jax_scan", 1.03)
    calm, restless = compare(side(), side(planted)), compare(side(again=1.08), side(planted))
    assert spoken(calm)["jax_scan", "train"] == "slower"
    assert spoken(restless)["jax_scan", "train"] == "unclear"
    assert not restless.worse
    assert {round(c.floor, 9) for c in restless.changes} == {1.08}


def test_another_amount_of_work_is_named_and_not_compared():
    after = Side.of(changed("tasks two_layer:tiny train", {"flops": 192.0}), records(lambda *_: 2.0))
    found = compare(side(), after)
    assert {c.task for c in found.changes} == {"train_step"}
    assert [(d.field, d.before, d.after) for d in found.differences] == [
        ("flops.two_layer:tiny.train", 96.0, 192.0)
    ]


def test_of_one_process_nothing_is_known():
    found = compare(side(invocations=1), side(lambda *_: 2.0, invocations=1))
    assert set(spoken(found).values()) == {"unclear"}
    assert not found.worse


# -- verdicts --------------------------------------------------------------------------------------------


def turned(name: str, verdict: str, **more: Any) -> list[dict[str, Any]]:
    """The records of a run in which one cell's answer is another."""
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
    divergence = {"step": 0, "task": "train", "tensor": "w1", "test": "scale"}
    runs = [
        saved(tmp_path / "a", kept=turned("jax_scan", one)),
        saved(tmp_path / "b", kept=turned("jax_scan", other, first_divergence=divergence)),
    ]
    done = samestep(*runs, "--json")
    told = json.loads(done.stdout)
    assert [(v["implementation"], v["before"], v["after"], v["worse"]) for v in told["verdicts"]] == [
        ("jax_scan", one, other, worse)
    ]
    assert told["verdicts"][0]["reason"] == f"is {other}"
    assert told["verdicts"][0]["first_divergence"] == divergence
    assert (told["worse"], done.exit_code) == (worse, int(worse))
    shown = " ".join(samestep(*runs).stdout.split())
    word = "worse" if worse else "better" if other in ("agree", "suspect") else "other"
    assert f"two_layer:tiny jax_scan answer {one} -> {other} {word}" in shown
    assert f"{key('jax_scan')}: is {other}" in shown
    page = samestep(*runs, "--format", "markdown").stdout
    assert f"| {key('jax_scan')} | answer |  |  | {one} -&gt; {other} | {word} |  |" in page


def test_another_arithmetic_is_a_difference_and_a_smaller_distance_to_the_limits_is_none():
    def answers(label: str, elements: float) -> Side:
        other = {
            "verdict": "agree",
            "reason": None,
            "checked_in": "float64",
            "precision": {"label": "float64"},
        }
        seen = {"w1": {"elements": elements, "elements_limit": 5.0}}
        kept = records()
        for record in kept:
            if record["kind"] == "verdict" and record["cell"] == key("jax_scan"):
                record |= {"precision": {"label": label}, "tensors": seen, "checked_in": "float32"}
        return Side.of(about(), [{"kind": "verdict", "cell": key("jax_scan"), **other}, *kept])

    assert compare(answers("float32", 1.0), answers("float32", 4.0)).verdicts == ()
    found = compare(answers("float32", 1.0), answers("TF32", 1.0))
    assert [v.precision for v in found.verdicts] == [("float32", "TF32")]
    assert not found.worse


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
def test_a_field_that_is_another_is_named_before_any_ratio(tmp_path, before, path, value, field):
    after = saved(tmp_path / "after", changed(path, value))
    done = samestep(before, after)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    (named,) = (number for number, line in enumerate(lines) if line.startswith(f"  {field}: "))
    assert named < next(number for number, line in enumerate(lines) if "8 tie" in line)
    assert [d["field"] for d in json.loads(samestep(before, after, "--json").stdout)["differences"]] == [
        field
    ]
    assert "nothing differs" not in done.stdout


@pytest.mark.parametrize("path", ["machine load", "run", "selectors"])
def test_what_always_differs_is_no_difference(tmp_path, before, path):
    done = samestep(before, saved(tmp_path / "after", changed(path, "7.5")))
    assert "nothing differs" in done.stdout
    assert done.exit_code == 0


def test_two_machines_are_said_first(tmp_path, before):
    after = saved(tmp_path / "after", changed("machine cpu", "B CPU"))
    for form in ("table", "markdown"):
        assert (
            "two machines: A CPU and B CPU"
            in samestep(before, after, "--format", form).stdout.splitlines()[0]
        )


def test_cells_of_only_one_run_are_listed_and_unfinished_ones_are_not_blamed(tmp_path, before):
    names = NAMES[:3]
    after = saved(tmp_path / "after", about(names), records(names=names))
    told = json.loads(samestep(before, after, "--json").stdout)
    assert (told["only_before"], told["only_after"], told["worse"]) == ([key("keras_fit")], [], False)
    assert told["differences"] == []  # what was not selected has no source that changed
    assert f"only after: {key('keras_fit')}" in " ".join(samestep(after, before).stdout.split())
    unfinished = saved(tmp_path / "unfinished", kept=records(names=names))
    done = samestep(before, unfinished, "--json")
    assert (json.loads(done.stdout)["only_before"], done.exit_code) == ([key("keras_fit")], 0)


def test_a_task_of_only_one_run_is_listed():
    kept = [r for r in records() if (r["cell"], r.get("task")) != (key("jax_scan"), "train")]
    found = compare(side(), Side.of(about(), kept))
    assert (found.only_before, found.only_after) == ((f"{key('jax_scan')} train",), ())


# -- what is printed -------------------------------------------------------------------------------------


def test_slower_exits_1_and_the_machine_is_named(tmp_path, before):
    one = samestep(before, saved(tmp_path / "one", kept=records(slower("jax_scan", 1.5))))
    assert (one.exit_code, "2 slower, 6 tie (the same within 2 %)" in one.stdout) == (1, True)
    everything = samestep(before, saved(tmp_path / "all", kept=records(lambda *_: 1.5)))
    text = " ".join(everything.stdout.split())
    assert (everything.exit_code, "2 slower, 6 tie" in text) == (1, True)
    assert "is slower in train_step, train: the machine, or numpy" in text


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
    assert "4 slower, 2 faster, 2 tie (the same within 2 %); half of them would have shown a slowdown" in text
    assert text.endswith("all 8, one by one: --format csv")


def test_a_change_by_the_clock_has_a_star(tmp_path, before):
    after = saved(tmp_path / "after", kept=records(lambda *_: 1.5))
    done = samestep(before, after, columns=100)
    assert [row.rpartition(" ")[2] for row in table(done)] == ["slower*", "slower*"]
    assert "* by the clock" in " ".join(done.stdout.split())


def test_where_nothing_changed_there_is_no_table(tmp_path, before):
    lines = samestep(before, saved(tmp_path / "after")).stdout.splitlines()
    assert any(line.startswith("no real change: 8 tie (the same within 2 %)") for line in lines)
    assert not any("977 µs" in line for line in lines)
    assert len(lines) < 12


def test_dtype_and_device_are_named_where_they_are_not_all_the_same(tmp_path):
    def wider(document: Any) -> Any:
        return json.loads(json.dumps(document).replace("jax_scan/float32", "jax_scan/float64"))

    said = wider(about())
    next(one for one in said["cells"] if one["implementation"] == "jax_scan")["dtype"] = "float64"
    slow = records(lambda name, _: 2.0 if name in ("jax_scan", "keras_fit") else 1.0)
    both = [saved(tmp_path / name, said, wider(kept)) for name, kept in (("a", records()), ("b", slow))]
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
    said = json.loads(json.dumps(about()).replace("jax_scan", "jax_a_name_that_is_long_indeed"))
    slow = [r | {"seconds": 16 * r["seconds"]} if "long" in r["cell"] and "task" in r else r for r in wide]
    runs = [saved(tmp_path / name, said, kept) for name, kept in (("a", wide), ("b", slow))]
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
    assert "[bold]<b>1</b>|`x`\N{REPLACEMENT CHARACTER}[31m" in shown
    assert "[red]<i>a|b" in shown.replace("\n", "")
    page = samestep(*runs, "--format", "markdown").stdout
    assert "\\[bold\\]&lt;b&gt;1&lt;/b&gt;\\|\\`x\\`" in page
    assert not re.search(r"<[a-z/]", page)
    assert "\x1b" not in shown + page
    assert json.loads(samestep(*runs, "--json").stdout)["differences"][0]["after"] == NASTY


def test_a_torn_last_line_is_said_and_left_out(tmp_path, before):
    after = saved(tmp_path / "after")
    with after.samples.open("a") as file:
        file.write('{"schema": 1, "kind": "verdict", "verdict": "disag')
    done = samestep(before, after, "--json")
    assert done.stderr == f"samestep: {after.samples}: the last line is torn and is left out\n"
    assert (json.loads(done.stdout)["verdicts"], done.exit_code) == ([], 0)


def test_a_damaged_record_is_said_and_left_out(tmp_path, before):
    after = saved(tmp_path / "after")
    lines = after.samples.read_text().splitlines()
    wrong = json.dumps({"schema": 1, "kind": "sample", "cell": key("jax_scan"), "seconds": "\ud800"})
    after.samples.write_text("\n".join([*lines, "{torn", wrong, '{"schema": 1, "kind": "gossip"}']) + "\n")
    done = samestep(before, after, "--json")
    assert done.exit_code == 0
    assert [line.partition(" is left out, ")[2].partition(":")[0] for line in done.stderr.splitlines()] == [
        "damaged", "damaged", "foreign",
    ]  # fmt: skip
    assert json.loads(done.stdout)["cells"] == json.loads(samestep(before, before, "--json").stdout)["cells"]


@pytest.mark.parametrize("first", [True, False])
def test_a_run_whose_head_is_damaged_is_one_clear_line(tmp_path, before, first):
    damaged = saved(tmp_path / "damaged", {**about(), "tasks": None})
    done = samestep(*((damaged, before) if first else (before, damaged)))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"samestep: {damaged.folder / 'run.json'} is damaged: 'tasks' is not what a run says there\n"
    )


def test_json_is_one_document_of_finite_numbers_with_the_fields_that_are_promised(tmp_path):
    runs = [saved(tmp_path / name, kept=records(invocations=1)) for name in "ab"]

    def refused(name: str) -> None:
        raise AssertionError(name)

    told = json.loads(samestep(*runs, "--json").stdout, parse_constant=refused)
    assert set(told) == {"differences", "cells", "verdicts", "only_before", "only_after", "worse"}
    row = next(c for c in told["cells"] if (c["implementation"], c["task"]) == ("jax_scan", "train"))
    assert row == {
        "workload": "two_layer", "implementation": "jax_scan", "case": "tiny", "dtype": "float32",
        "device": "cpu", "task": "train", "before": 2**-10, "after": 2**-10, "of": "a step", "ratio": 1.0,
        "ci": [0.0, "inf"], "word": "unclear", "compared": "to the baseline", "why": None,
        "baseline": False, "noise": 1.0, "detectable": "inf",
    }  # fmt: skip


def test_markdown_is_one_line_where_nothing_changed_and_a_table_where_something_did(tmp_path, before):
    nothing = samestep(before, saved(tmp_path / "same"), "--format", "markdown").stdout
    assert re.fullmatch(r"No real change between .+: 8 tie \(the same within 2 %\); .+\.\n", nothing)
    after = saved(tmp_path / "after", kept=records(slower("jax_scan", 2.0)))
    page = samestep(before, after, "--format", "markdown")
    rows = [line for line in page.stdout.splitlines() if line.startswith("| two")]
    assert page.exit_code == 1
    assert [re.split(r" ?\| ?", row)[2:-1] for row in rows] == [
        [task, "977 µs", "1.95 ms", "2.000 (2.000-2.000)", "slower", "to baseline"] for task in TASKS
    ]


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_runs_without_a_cell_in_common_cannot_be_compared(tmp_path, before, form):
    said = json.loads(json.dumps(about()).replace("/1t", "/2t"))
    after = saved(
        tmp_path / "after", said, [r | {"cell": r["cell"].replace("/1t", "/2t")} for r in records()]
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
def test_a_folder_that_is_no_run_is_one_clear_line(tmp_path, before, first):
    nowhere = tmp_path / "nowhere"
    done = samestep(*((nowhere, before) if first else (before, nowhere)))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"samestep: {nowhere} is no run: it has no run.json\n"


def test_a_comparison_is_the_same_twice(before):
    one = compare(side(seed=1), side(seed=2))
    two = compare(side(seed=1), side(seed=2))
    assert document(one) == document(two)
    assert markdown(one, before, before) == markdown(two, before, before)


def test_compare_imports_no_framework(tmp_path, before):
    asked = [sys.executable, "-X", "importtime", *command("compare", before.folder, before.folder)[1:]]
    done = subprocess.run(asked, **running(), timeout=60)
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "numpy" in imported
    assert not imported & FRAMEWORKS
