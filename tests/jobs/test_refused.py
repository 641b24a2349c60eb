"""What may not be compared: other settings than asked for, impossible speed, busy processors."""

from __future__ import annotations

from collections import Counter

import pytest

from samestep.analysis.summary import PLAUSIBLE, summarize
from samestep.catalog.cell import Options
from samestep.jobs.starting import MARGIN
from samestep.records.schema import Peak
from tests.made.instant import TASKS, answering, measured, records, summaries


@pytest.mark.parametrize(
    ("operation", "answer", "reason"),
    [
        ("open", {"threads": 2}, "numpy computes with threads = 2, asked for 1"),
        ("open", {"matmul": "tf32"}, "numpy computes with matmul = tf32, asked for float32"),
        (
            "sample",
            {"seconds": 240 / 2400 / PLAUSIBLE / 1.1},
            "loss_and_grads: it does 2.2 times the flop/s of this machine's best matrix product",
        ),
    ],
)
def test_what_computes_otherwise_than_asked_is_refused(
    tmp_path, instant, launcher, monkeypatch, operation, answer, reason
):
    answering(
        monkeypatch, operation,
        lambda worker, r: answer
        if worker.cell.implementation == "numpy_b" and getattr(r, "task", TASKS[0]) == TASKS[0]
        else {},
    )  # fmt: skip
    rows = summaries(measured(tmp_path, launcher(0)))
    assert rows["numpy_b"].verdict == "invalid"
    assert rows["numpy_b"].reason.startswith(reason)
    assert rows["numpy_b"].tasks == {}
    assert {rows[name].verdict for name in ("numpy_manual", "numpy_a", "numpy_slow")} == {"agree"}


def test_what_a_framework_does_not_report_is_not_a_fault(tmp_path, instant, launcher, monkeypatch):
    answering(monkeypatch, "open", lambda *_: {"threads": None, "matmul": None})
    assert {row.verdict for row in summaries(measured(tmp_path, launcher(0))).values()} == {"agree"}


GPU = Options(devices=("cpu", "gpu"))


@pytest.mark.parametrize(("busy", "refused"), [(1 + 2 * MARGIN, {"gpu"}), (1 + MARGIN / 2, set())])
def test_a_framework_that_keeps_more_processors_busy_than_it_may_is_refused_there(
    tmp_path, instant, launcher, monkeypatch, busy, refused
):
    there = {"cpu": {}, "gpu": {"processors": busy}}
    answering(monkeypatch, "measure_peak", lambda worker, _: there[worker.cell.device])
    run = measured(tmp_path, launcher(0), GPU)
    found = summarize(run.plan, run.records())
    invalid = Counter(s.cell.device for s in found if s.verdict == "invalid")
    assert invalid == dict.fromkeys(refused, 4)
    assert {s.reason for s in found} == {
        None, *(f"numpy keeps {busy:.1f} processors busy, asked for 1" for _ in refused),
    }  # fmt: skip


def test_one_worker_whose_clock_is_replaced_refuses_no_other(tmp_path, instant, launcher, monkeypatch):
    asked = []

    def peak(worker, _):
        asked.append(worker.cell.implementation)
        return {"processors": 2.2} if asked[-1] == asked[0] else {}

    answering(monkeypatch, "measure_peak", peak)
    rows = summaries(measured(tmp_path, launcher(0)))
    assert {name for name, row in rows.items() if row.verdict != "agree"} == {asked[0]}
    assert rows[asked[0]].reason == "numpy keeps 2.2 processors busy, asked for 1"


def test_one_starved_product_condemns_nobody(tmp_path, instant, launcher, monkeypatch):
    """The machine is measured once more, by the very worker that was faster than it."""
    products = iter([100.0])
    answering(monkeypatch, "measure_peak", lambda *_: {"seconds": next(products, 0.05)})
    run = measured(tmp_path, launcher(0))
    assert {row.verdict for row in summaries(run).values()} == {"agree"}
    assert len({one.seconds for one in records(run, Peak)}) == 2
