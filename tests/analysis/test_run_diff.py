"""Two runs, of hand-written records whose truth is known: what is called changed, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from samestep.analysis import statistics
from samestep.analysis.run_data import RunData
from samestep.analysis.run_diff import Difference, RunDiff, run_diff
from tests.made.records import (
    NAMES,
    TASKS,
    Pace,
    about,
    changed,
    key,
    plan_of,
    records,
    records_of,
    same,
    slower,
)

pytestmark = pytest.mark.slow


def data(pace: Pace = same, seed: int | None = None, **more: Any) -> RunData:
    return data_of(about(), records(pace, seed, **more))


def data_of(plan: dict[str, Any], kept: list[dict[str, Any]]) -> RunData:
    return RunData.of(plan_of(plan), records_of(kept))


def words_of(diff: RunDiff) -> dict[tuple[str, str], str]:
    return {(one.cell.implementation, one.task): one.contrast.word for one in diff.changes}


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    """The intervals of single times are not asked for here, and they take long."""
    monkeypatch.setattr(statistics, "DRAWS", 20)


# -- what is called, over many runs ----------------------------------------------------------------------

SEEDS = 40


@pytest.mark.parametrize("scatter", [0.0, 0.01])
def test_what_did_not_change_is_hardly_ever_called_changed(scatter):
    pairs = ([data(seed=s, scatter=scatter) for s in (seed, 1000 + seed)] for seed in range(SEEDS))
    words = [word for pair in pairs for word in words_of(run_diff(*pair)).values()]
    assert len(words) == SEEDS * len(NAMES) * len(TASKS)
    assert (
        words.count("slower") + words.count("faster") <= 1
    )  # of 40 comparisons one in a hundred may be wrong
    assert scatter or words.count("tie") > len(words) / 2  # most are known to be the same, not just unclear


def test_a_cell_that_is_5_percent_slower_is_found_and_no_other_is_called_slower():
    for seed in range(SEEDS):
        found = run_diff(data(seed=seed), data(slower("jax_scan", 1.05), 1000 + seed))
        assert {one for one, word in words_of(found).items() if word in ("slower", "faster")} == {
            ("jax_scan", task) for task in TASKS
        }
        assert found.worse


def test_the_interval_of_a_change_covers_the_truth_as_often_as_it_says():
    comparisons = [
        run_diff(data(seed=seed), data(slower("jax_scan", 1.05), 1000 + seed)) for seed in range(SEEDS)
    ]
    held = [
        c.contrast.low <= (1.05 if c.cell.implementation == "jax_scan" else 1.0) <= c.contrast.high
        for found in comparisons
        for c in found.changes
    ]
    assert 0.9 < sum(held) / len(held) < 0.99


def test_a_cell_that_is_faster_does_not_count_as_worse():
    found = run_diff(data(seed=1), data(slower("jax_scan", 0.9), 2))
    assert words_of(found)["jax_scan", "train"] == "faster"
    assert not found.worse


def test_a_slower_machine_changes_the_baseline_only():
    for seed in range(10):
        found = run_diff(data(seed=seed), data(lambda *_: 1.3, 1000 + seed))
        for change in found.changes:
            baseline = change.cell.implementation == "numpy_manual"
            assert (change.contrast.word == "slower") == change.baseline == baseline
            assert change.absolutely == ("it is the baseline" if baseline else None)
        assert found.worse


# -- exact times, exact answers --------------------------------------------------------------------------


def test_the_change_is_after_over_before_of_the_ratio_to_the_baseline():
    found = run_diff(data(), data(lambda name, _: {"jax_scan": 8.0, "numpy_manual": 2.0}.get(name, 2.0)))
    ratios = {
        (c.cell.implementation, c.task): (round(c.contrast.value, 9), c.before, c.after)
        for c in found.changes
    }
    assert ratios["jax_scan", "train_step"] == (4.0, 2**-10, 2**-7)
    assert ratios["jax_scan", "train"] == (4.0, 2**-10, 2**-7)  # of one of four steps
    assert ratios["torch_manual", "train"] == (1.0, 2**-10, 2**-9)
    assert ratios["numpy_manual", "train"] == (2.0, 2**-10, 2**-9)
    assert len(found.changes) == len(NAMES) * len(TASKS)  # the A/A copy is not a cell


def test_where_the_baselines_code_changed_all_is_compared_absolutely():
    after = data_of(changed("sources two_layer/numpy_manual", "edited"), records(lambda *_: 2.0))
    found = run_diff(data(), after)
    assert {c.absolutely for c in found.changes} == {"the baseline numpy_manual has other code"}
    assert set(words_of(found).values()) == {"slower"}


@pytest.mark.parametrize("facts", [{"versions": {"numpy": "2.0"}}, {"blas": ["openblas 0.4"]}])
def test_where_the_baseline_ran_with_other_versions_all_is_compared_absolutely(facts):
    others = records()
    for record in others:
        if record["kind"] == "start" and "numpy" in record["cell"]:
            record["framework"] = {**record["framework"], **facts}
    found = run_diff(data(), data_of(about(), others))
    assert {c.absolutely for c in found.changes} == {"the baseline numpy_manual runs with other versions"}
    (difference,) = found.differences
    assert difference.field in ("versions.numpy.numpy", "versions.numpy.blas")


def test_a_variable_that_only_one_run_inherited_is_a_difference():
    after = {**about(), "inherited": {"cpu": {"OPENBLAS_CORETYPE": "Haswell"}}}
    found = run_diff(data(), data_of(after, records()))
    assert found.differences == (Difference("inherited.cpu.OPENBLAS_CORETYPE", None, "Haswell"),)


def test_where_another_cells_version_changed_the_baseline_is_still_the_control():
    others = records()
    for record in others:
        if record["kind"] == "start" and "jax" in record["cell"]:
            record["framework"] = {"versions": {"jax": "2.0"}}
    found = run_diff(data(), data_of(about(), others))
    assert [c.absolutely for c in found.changes if not c.baseline] == 6 * [None]
    assert [(d.field, d.before, d.after) for d in found.differences] == [("versions.jax.jax", "1.0", "2.0")]


def test_without_a_common_baseline_all_is_compared_absolutely():
    died = [r for r in records() if not (r["kind"] == "sample" and "numpy" in r["cell"])]
    found = run_diff(data(), data_of(about(), died))
    assert {c.absolutely for c in found.changes} == {"the runs have no baseline in common"}
    assert "numpy_manual" not in {c.cell.implementation for c in found.changes}


def test_nothing_within_the_aa_ratio_is_called_a_change():
    planted = slower("jax_scan", 1.03)
    stable, unstable = run_diff(data(), data(planted)), run_diff(data(again=1.08), data(planted))
    assert words_of(stable)["jax_scan", "train"] == "slower"
    assert words_of(unstable)["jax_scan", "train"] == "unclear"
    assert not unstable.worse
    assert {round(c.floor, 9) for c in unstable.changes} == {1.08}


def test_a_task_with_another_amount_of_work_is_named_and_not_compared():
    after = data_of(changed("tasks two_layer:tiny train", {"flops": 192.0}), records(lambda *_: 2.0))
    found = run_diff(data(), after)
    assert {c.task for c in found.changes} == {"train_step"}
    assert [(d.field, d.before, d.after) for d in found.differences] == [
        ("flops.two_layer:tiny.train", 96.0, 192.0)
    ]


def test_of_one_process_nothing_is_known():
    found = run_diff(data(invocations=1), data(lambda *_: 2.0, invocations=1))
    assert set(words_of(found).values()) == {"unclear"}
    assert not found.worse


# -- verdicts and tasks --------------------------------------------------------------------------------


def test_another_arithmetic_is_a_difference_and_a_smaller_distance_to_the_limits_is_not():
    def precision(label: str) -> dict[str, Any]:
        return {"label": label, "declared": "float32", "tensor": "w1", "ratio": 1.0, "classes": {}}

    def answers(label: str, elements: float) -> RunData:
        other = {"verdict": "agree", "checked_in": "float64", "precision": precision("float64")}
        statistics = {
            "terms": 8, "size": 4, "sigma": 2**-24, "elements": elements, "elements_limit": 5.0, "norm": 1.0,
            "norm_limit": 2.0, "scale": 0.0, "scale_limit": 1.0, "index": [0],
        }  # fmt: skip
        kept = records()
        for record in kept:
            if record["kind"] == "verdict" and record["cell"] == key("jax_scan"):
                record |= {"precision": precision(label), "tensors": {"w1": statistics}}
                record |= {"checked_in": "float32"}
        return data_of(about(), [{"kind": "verdict", "cell": key("jax_scan"), **other}, *kept])

    assert run_diff(answers("float32", 1.0), answers("float32", 4.0)).verdicts == ()
    found = run_diff(answers("float32", 1.0), answers("TF32", 1.0))
    assert [v.precision for v in found.verdicts] == [("float32", "TF32")]
    assert not found.worse


def test_a_task_of_only_one_run_is_listed():
    kept = [r for r in records() if (r["cell"], r.get("task")) != (key("jax_scan"), "train")]
    found = run_diff(data(), data_of(about(), kept))
    assert (found.only_before, found.only_after) == ((f"{key('jax_scan')} train",), ())


def test_the_same_records_give_the_same_answer():
    assert run_diff(data(seed=1), data(seed=2)) == run_diff(data(seed=1), data(seed=2))
