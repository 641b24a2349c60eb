"""What stands around a run's tables is true of this very run: its processes, its noise, what it inherited."""

from __future__ import annotations

from typing import Any

import pytest

from samestep.analysis import statistics
from samestep.analysis.summary import CellSummary, summarize
from samestep.report import formatting
from samestep.report.legend import comparison_note, extent, legend, noise_note, shortfall, worker_versions
from samestep.report.metrics import metrics_of
from samestep.report.summaries import groups, main_task, unit
from tests.made.records import about, changed, plan_of, records, records_of, saved, slower


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    """The intervals of single times are not asked for here, and they take long."""
    monkeypatch.setattr(statistics, "DRAWS", 20)


def summaries(plan: dict[str, Any] | None = None, **more: Any) -> list[CellSummary]:
    return summarize(plan_of(plan or about()), records_of(records(**more)))


def note(**more: Any) -> str:
    return noise_note(summaries(**more), "train")


def test_the_aa_ratio_and_what_could_be_detected_are_named():
    assert (
        note() == "A/A control: 1.000; in half of the rows a ratio above 1.00 would have been called slower"
    )
    assert note(again=1.015).startswith("A/A control: 1.015; ")
    assert "not stable" not in note(again=1.015)


@pytest.mark.parametrize("again", [1.1, 0.9])
def test_rounds_in_which_the_baseline_and_its_copy_differ_are_not_stable(again):
    text = note(again=again)
    assert text.startswith(f"A/A control: {again:.3f}; ")
    assert text.endswith(
        "not stable: the A/A ratio is more than 2 % from 1, so small differences say nothing"
    )


def test_of_one_process_only_the_aa_ratio_is_known():
    assert note(invocations=1) == "A/A control: 1.000"


def test_without_an_aa_control_and_with_one_process_the_noise_is_not_known():
    document = about()
    document["cells"] = [cell for cell in document["cells"] if not cell["twin"]]
    kept = [one for one in records(invocations=1) if not one["cell"].endswith("/again")]
    found = summarize(plan_of(document), records_of(kept))
    assert (
        noise_note(found, "train") == "the noise is not known: a single process, or nothing to compare with"
    )
    assert not any("A/A control" in line for line in legend(plan_of(document), found))


@pytest.mark.parametrize(
    ("asked", "taken", "interval", "processes"),
    [
        (3, 3, "in parentheses its 95 % interval over 3 processes of 8 rounds.", "3 processes of each"),
        (2, 5, "in parentheses its 95 % interval over 5 processes of 8 rounds.", "5 processes of each"),
        (1, 1, "(?): a single process gives no interval.", "1 process of each"),
        (2, 1, "(?): a single process gives no interval.", "1 process of each"),
    ],
    ids=["as asked", "more, with a budget", "one", "one of two"],
)
def test_the_legend_counts_what_was_taken(asked, taken, interval, processes):
    plan = plan_of(changed("profile", {"invocations": asked, "rounds": 8, "budget": 60.0}))
    found = summarize(plan, records_of(records(invocations=taken)))
    assert interval in legend(plan, found)[0]
    fewer = f" ({asked} were asked for)" if taken < asked else ""
    assert extent(plan, found) == f"{processes} implementation{fewer}, 8 rounds in each"
    few = f"{taken} process of 8 rounds, where {asked} of 8 were asked for" if taken < asked else ""
    assert shortfall(plan, found, "train") == few
    assert comparison_note(plan, found, "train").startswith(few or "A/A control: 1.000")


def test_a_cell_that_is_in_fewer_processes_than_the_others_is_counted():
    late = [one for one in records() if "jax_scan" not in one["cell"] or one["invocation"] > 3]
    found = summarize(plan_of(about()), records_of(late))
    assert "over 2 to 6 processes of 8 rounds." in legend(plan_of(about()), found)[0]
    assert extent(plan_of(about()), found) == (
        "2 to 6 processes of each implementation (6 were asked for), 8 rounds in each"
    )


def test_of_nothing_that_was_timed_no_process_is_counted():
    assert extent(plan_of(about()), []) == "nothing timed, of 6 processes that were asked for"
    assert "process" not in legend(plan_of(about()), [])[0]


def test_what_was_inherited_is_named_as_text_and_only_where_there_is_something():
    plan = plan_of({**about(), "inherited": {"cpu": {"OPENBLAS_CORETYPE": "<b>Haswell"}}})
    line = "inherited from the environment of the run: OPENBLAS_CORETYPE=&lt;b&gt;Haswell."
    assert line in legend(plan, [])
    assert not any("inherited" in one for one in legend(plan_of(about()), []))


def test_the_control_is_explained_where_there_is_one():
    text = "A/A control: the ratio of a second copy of the baseline to the baseline itself."
    assert text in legend(plan_of(about()), summaries())
    assert text not in legend(plan_of(about()), [])


def test_versions_are_those_that_the_workers_reported(tmp_path):
    kept = records()
    kept[1]["framework"] = {"versions": {"numpy": "0.9", "numba": None}}
    assert worker_versions(saved(tmp_path / "run", kept=kept)) == [
        "jax 1.0", "keras 1.0", "numpy 0.9", "numpy 1.0", "torch 1.0",
    ]  # fmt: skip


def test_a_group_is_known_by_the_task_of_most_steps():
    found = summaries()
    ((heading, group),) = groups(found)
    assert heading == "two_layer:tiny, float32, cpu"
    assert main_task(group, plan_of(about())) == "train"
    assert (unit(group, "train"), unit(group, "train_step")) == (
        "train, one of 4 steps",
        "train_step, one call",
    )


def test_metrics_have_one_name_each_and_documents_keep_theirs():
    found = summaries(pace=slower("jax_scan", 2.0))
    (jax,) = (one for one in found if one.cell.implementation == "jax_scan")
    metrics = metrics_of(found, jax, "train")
    row = metrics.to_row()
    assert (metrics.ratio, metrics.word, metrics.noise) == (2.0, "slower", 1.0)
    assert (row["pays_against"], row["pays_from_calls"]) == (
        metrics.break_even_against, metrics.break_even_calls,
    )  # fmt: skip
    assert row["seconds"] == 2**-7
    assert len(row) == len(vars(metrics))


@pytest.mark.parametrize(
    ("number", "noun", "plural", "text"),
    [
        (1, "call", "", "1 call"), (0, "call", "", "0 calls"), (2, "process", "processes", "2 processes"),
        (1, "process", "processes", "1 process"), (12345, "call", "", "12,345 calls"),
    ],
)  # fmt: skip
def test_a_number_has_its_noun_in_singular_or_plural(number, noun, plural, text):
    assert formatting.counted(number, noun, plural) == text
