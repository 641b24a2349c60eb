"""The baseline and its A/A copy: how far they differ is noise."""

from __future__ import annotations

from collections import Counter

import pytest

from samestep.agreement.verdict import Verdict
from samestep.analysis.summary import summarize
from samestep.records.schema import Peak, Sample
from tests.made.instant import (
    PROFILE,
    TASKS,
    Instant,
    answering,
    examining,
    measured,
    records,
    summaries,
)


def times(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float]) -> None:
    """Seconds of each implementation's samples; "again" are those of the baseline's A/A copy."""

    def change(worker: Instant, _: object) -> dict:
        name = "again" if worker.cell.aa_copy else worker.cell.implementation
        return {"seconds": seconds.get(name, 1.0)}

    answering(monkeypatch, "sample", change)


def test_the_baseline_has_an_aa_copy_and_one_row(tmp_path, instant, launcher):
    run = measured(tmp_path, launcher(0))
    copies = Counter(worker.cell.implementation for worker in instant if worker.cell.aa_copy)
    assert copies == {"numpy_manual": PROFILE.invocations}
    assert [s.cell.implementation for s in summarize(run.plan, run.records())] == [
        "numpy_manual", "numpy_a", "numpy_b", "numpy_slow",
    ]  # fmt: skip
    assert len([r for r in records(run, Sample) if r.cell.endswith("/again")]) == 2 * 3 * len(TASKS)
    assert not any(r.cell.endswith("/again") for r in records(run, Peak))


@pytest.mark.parametrize(
    ("again", "words", "stable"),
    [
        (1.0, {"numpy_a": "slower", "numpy_b": "faster", "numpy_slow": "slower"}, True),
        (1.015, {"numpy_a": "slower", "numpy_b": "faster", "numpy_slow": "slower"}, True),
        (1.05, {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "slower"}, False),
        (1.07, {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "slower"}, False),
        (1 / 1.07, {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "slower"}, False),
        (
            3.0,
            {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "unclear"},
            False,
        ),  # 0.5 of one, a sixth of the other
    ],
)
def test_no_difference_smaller_than_the_aa_ratio_is_called_one(
    tmp_path, instant, launcher, monkeypatch, again, words, stable
):
    times(monkeypatch, {"again": again, "numpy_a": 1.03, "numpy_b": 0.5, "numpy_slow": 2.0})
    rows = summaries(measured(tmp_path, launcher(0)))
    tasks = {name: summary.tasks["train"] for name, summary in rows.items()}
    assert {name: tasks[name].ratio.word for name in words} == words
    assert tasks["numpy_manual"].ratio.word == "baseline"
    assert f"{tasks['numpy_slow'].ratio.value:.9g}" == f"{2 / again**0.5:.9g}"  # over the mean of both
    assert {(f"{task.noise:.9g}", task.stable) for task in tasks.values()} == {(f"{again:.9g}", stable)}


def test_an_aa_copy_says_nothing_where_the_baseline_was_not_timed(tmp_path, instant, launcher, monkeypatch):
    times(monkeypatch, {"again": 5.0, "numpy_b": 1.5})
    lost = {"verdict": Verdict("disagree", "wrong")}
    answering(
        monkeypatch, "confirm",
        lambda w, _: lost if w.cell.implementation == "numpy_manual" and not w.cell.aa_copy else {},
    )  # fmt: skip
    rows = summaries(measured(tmp_path, launcher(0)))
    task = rows["numpy_a"].tasks["train"]
    assert (rows["numpy_manual"].verdict, rows["numpy_manual"].tasks) == ("disagree", {})
    assert (task.ratio.word, task.noise) == ("baseline", None)
    assert rows["numpy_b"].tasks["train"].ratio.word == "slower"


@pytest.mark.parametrize(("dtype", "reason"), [("float32", "wrong"), ("float64", "in float64: wrong")])
def test_what_is_wrong_in_one_dtype_is_not_timed_and_neither_is_its_aa_copy(
    tmp_path, instant, launcher, monkeypatch, dtype, reason
):
    examining(monkeypatch, {("numpy_manual", dtype): Verdict("disagree", "wrong")})
    run = measured(tmp_path, launcher(0))
    rows = summaries(run)
    assert (rows["numpy_manual"].verdict, rows["numpy_manual"].reason) == ("disagree", reason)
    assert {worker.cell.implementation for worker in instant} == {"numpy_a", "numpy_b", "numpy_slow"}
    assert all(rows[name].tasks for name in ("numpy_a", "numpy_b", "numpy_slow"))
