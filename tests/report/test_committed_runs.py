"""The runs under results/ still have the numbers that they had: times, ratios, words, break-even points.

tests/values/committed_runs.csv and committed_comparison.csv hold them, in six digits.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping

import pytest

from samestep.analysis import statistics
from samestep.codec import encode
from samestep.commands.compare import diff_of
from samestep.records.validated import ValidatedRun
from samestep.report import tables
from samestep.report.rows import rows_as_text
from samestep.report.run_diff_document import document, rows
from tests.made.places import CHECKOUT, VALUES

pytestmark = pytest.mark.slow

MACHINE = CHECKOUT / "results" / "amd-epyc-2cpu"
FIRST, SECOND = RUNS = ("2026-11-26T19-35-45", "2026-11-26T19-43-03")

#: The fields of report.csv, which other programs read.
FIELDS = (
    "workload,case,implementation,framework,dtype,device,matmul,threads,lines,lines_changed,verdict,reason,"
    "task,seconds,seconds_low,seconds_high,spread,seconds_p05,seconds_p95,seconds_per_step,ratio,ratio_low,"
    "ratio_high,word,detectable,noise,flops,fraction_of_peak,import_seconds,build_seconds,"
    "first_call_seconds,calls_until_steady,pays_against,pays_from_calls,latency_seconds,"
    "latency_p95_seconds,to_device_seconds,from_device_seconds,launch_seconds,device_seconds,bound_by,"
    "peak_memory_bytes,device_memory_bytes,samples,disturbed,repeated,processes,rounds,run,machine,unit"
)
COMPARED = (
    "workload,implementation,case,dtype,device,task,before,after,of,ratio,word,compared,why,baseline,noise,"
    "detectable,low,high,run_before,machine_before,revision_before,run_after,machine_after,revision_after,unit"
)


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    """The intervals of single times are not asked for here, and they take long."""
    monkeypatch.setattr(statistics, "DRAWS", 20)


@pytest.fixture(scope="module")
def runs() -> dict[str, ValidatedRun]:
    return {name: ValidatedRun(MACHINE / name) for name in RUNS}


def six_digits(text: str) -> str:
    """A number in six digits; a text, and a whole number, as it is."""
    try:
        return text if not text or text.isdigit() else f"{float(text):.6g}"
    except ValueError:
        return text


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def expected(name: str) -> list[dict[str, str]]:
    return read((VALUES / f"{name}.csv").read_text(encoding="utf-8"))


def of_same_fields(found: Iterable[Mapping[str, str]], row: Mapping[str, str]) -> list[dict[str, str]]:
    return [{name: six_digits(one[name]) for name in row} for one in found]


@pytest.mark.parametrize("name", RUNS)
def test_the_csv_of_a_committed_run_has_the_numbers_that_it_had(runs, name):
    text = tables.frame(runs[name]).to_csv(index=False)
    then = [row for row in expected("committed_runs") if row.pop("run") == name]
    assert text.splitlines()[0] == FIELDS
    assert of_same_fields(read(text), then[0]) == then


def test_the_comparison_of_the_committed_runs_has_the_numbers_that_it_had(runs):
    diff = diff_of(runs[FIRST], runs[SECOND])
    pair = runs[FIRST], runs[SECOND]
    text, then = rows_as_text(rows(diff, *pair), "csv"), expected("committed_comparison")
    assert all(row["run_before"] == FIRST and row["unit"] == "s" for row in read(text))
    assert text.splitlines()[0] == COMPARED
    assert of_same_fields(read(text), then[0]) == then
    found = json.loads(json.dumps(encode(document(diff, *pair)), allow_nan=False))
    cells = [{**one, "low": one["ci"][0], "high": one["ci"][1]} for one in found.pop("cells")]
    assert all(list(one) == [*_with_ci(COMPARED), "low", "high"] for one in cells)
    assert of_same_fields(({name: _text(one[name]) for name in one} for one in cells), then[0]) == then
    assert {**found.pop("longer"), "seconds": None} == {"now": 2, "half": 12, "all": 622, "seconds": None}
    assert found == {
        "differences": [
            {"field": "machine.revision", "before": "7186181fd6db", "after": "0a86a9a7bf30"},
            {"field": "profile.invocations", "before": 2, "after": 8},
        ],
        "verdicts": [], "only_before": [], "only_after": [], "worse": False,
    }  # fmt: skip


def _with_ci(fields: str) -> list[str]:
    """The fields of an entry in JSON, where the interval is a pair behind the ratio."""
    return fields.replace(",low,high", "").replace(",ratio,", ",ratio,ci,").split(",")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def test_another_time_would_be_found(runs, tmp_path):
    """A copy of a run whose samples of one cell take a thousandth longer has other numbers."""
    (tmp_path / "run.json").write_text((MACHINE / FIRST / "run.json").read_text(encoding="utf-8"))
    slowed = []
    for line in runs[FIRST].lines():
        record = json.loads(line)
        if record["kind"] == "sample" and "torch_autograd" in record["cell"]:
            record["seconds"] *= 1.001
        slowed.append(json.dumps(record) + "\n")
    (tmp_path / "samples.jsonl").write_text("".join(slowed))
    then = [row for row in expected("committed_runs") if row.pop("run") == FIRST]
    found = of_same_fields(read(tables.frame(ValidatedRun(tmp_path)).to_csv(index=False)), then[0])
    moved = [one["seconds"] != row["seconds"] for one, row in zip(found, then, strict=True)]
    assert {row["implementation"] for row, has in zip(then, moved, strict=True) if has} == {"torch_autograd"}
