"""What of a run's time is measuring, and how good was its forecast?

    python -m tests.evidence.steady RUN

Reads the records of a run. Writes results/measuring/steady.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from samestep.records.store import Record, Run
from tests.evidence.lanes import MEASURING, Row

TURN = ("sample", "peak")
SECOND_MINUTE = 60.0


def outside(records: Sequence[Record]) -> tuple[float, float]:
    """Of the rounds: seconds from one record to the next, and those of them that are no sample."""
    whole = inside = 0.0
    for before, record in pairwise(records):
        if record["kind"] == "sample" and before["kind"] in TURN:
            whole += record["time"] - before["time"]
            inside += record["seconds"]
    return whole, whole - inside


def forecasts(records: Sequence[Record]) -> list[Row]:
    """From the second minute on: when, what was foretold for the whole run, and what it came to."""
    end = records[-1]["time"]
    rows: list[Row] = []
    for record in records:
        if record["kind"] == "forecast" and record["elapsed_seconds"] >= SECOND_MINUTE:
            took = record["elapsed_seconds"] + end - record["time"]
            told = record["elapsed_seconds"] + record["left_seconds"]
            rows.append(
                {"elapsed": record["elapsed_seconds"], "told": told, "took": took, "off": told / took - 1}
            )
    return rows


def page(run: Run) -> str:
    records: list[dict[str, Any]] = list(run.records())
    about, samples = run.about, [r for r in records if r["kind"] == "sample"]
    whole, lost = outside(records)
    rows = forecasts(records)
    worst = max(rows, key=lambda row: abs(row["off"]), default=None)
    disturbed = sum(bool(r["disturbed"]) for r in samples)
    repeated = sum(bool(r.get("repeated")) for r in samples)
    took = records[-1]["time"] - min(r["time"] - r.get("elapsed_seconds", 0.0) for r in records)
    lines = [
        "# What of a run is measuring", "",
        f"The run `{run.folder.name}` on {about['machine']['cpu']} ({about['machine']['processors']} processors): {len(about['cells'])} cells, "
        f"{about['profile']['invocations']} invocations of {about['profile']['rounds']} rounds, {took:.0f} s. Made by `python -m tests.evidence.steady`.", "",
        f"- Of {whole:.1f} s of rounds {lost:.1f} s ({100 * lost / whole:.1f} %) were not inside a sample.",
        f"- {disturbed:,} of {len(samples):,} samples were disturbed; {repeated:,} of those were taken again.",
    ]  # fmt: skip
    if worst:
        lines.append(
            f"- From the second minute on the forecast of the run's length was off by at most {100 * abs(worst['off']):.0f} % "
            f"(at {worst['elapsed']:.0f} s: {worst['told']:.0f} s foretold, {worst['took']:.0f} s taken)."
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    text = page(Run.open(asked.run))
    (asked.out / "steady.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
