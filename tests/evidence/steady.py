"""How much of a run's time is measuring, and how good were its estimates of the time left?

    python -m tests.evidence.steady RUN

Reads the records of a run. Writes results/measuring/steady.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from samestep.records.schema import Eta, Peak, Record, Sample
from samestep.records.store import Run
from tests.evidence.results import MEASURING

SECOND_MINUTE = 60.0


@dataclass(frozen=True)
class Estimate:
    """How long a whole run was expected to take ``elapsed`` seconds after its start, and how long it took."""

    elapsed: float
    expected: float
    took: float

    @property
    def error(self) -> float:
        """The relative error, with its sign."""
        return self.expected / self.took - 1


def time_of(record: Record) -> float:
    """Return when a record was taken, in seconds since 1970."""
    time = getattr(record, "time", None)
    assert time is not None, record
    return float(time)


def outside_samples(records: Sequence[Record]) -> tuple[float, float]:
    """Return the seconds of all rounds, from one record to the next, and those outside of samples."""
    whole = inside = 0.0
    for before, record in pairwise(records):
        if isinstance(record, Sample) and isinstance(before, Sample | Peak):
            whole += time_of(record) - time_of(before)
            inside += record.seconds
    return whole, whole - inside


def estimates(records: Sequence[Record]) -> Iterator[Estimate]:
    """Return the estimates of a run's length from its second minute on."""
    end = time_of(records[-1])
    for record in records:
        if isinstance(record, Eta) and record.elapsed_seconds >= SECOND_MINUTE:
            elapsed = record.elapsed_seconds
            yield Estimate(elapsed, elapsed + record.left_seconds, elapsed + end - time_of(record))


def page(run: Run) -> str:
    plan, records = run.plan, list(run.records())
    samples = [record for record in records if isinstance(record, Sample)]
    whole, lost = outside_samples(records)
    worst = max(estimates(records), key=lambda one: abs(one.error), default=None)
    disturbed = sum(sample.disturbed for sample in samples)
    repeated = sum(sample.repeated for sample in samples)
    began = min(time_of(r) - (r.elapsed_seconds if isinstance(r, Eta) else 0.0) for r in records)
    lines = [
        "# How much of a run is measuring", "",
        f"The run `{run.folder.name}` on {plan.machine.cpu} ({plan.machine.processors} processors): {len(plan.cells)} cells, "
        f"{plan.profile.invocations} invocations of {plan.profile.rounds} rounds, {time_of(records[-1]) - began:.0f} s. Made by `python -m tests.evidence.steady`.", "",
        f"- Of {whole:.1f} s of rounds {lost:.1f} s ({100 * lost / whole:.1f} %) were outside of samples.",
        f"- {disturbed:,} of {len(samples):,} samples were disturbed; {repeated:,} of those were re-measured.",
    ]  # fmt: skip
    if worst:
        lines.append(
            f"- From the second minute on the estimate of the run's length was off by at most {100 * abs(worst.error):.0f} % "
            f"(at {worst.elapsed:.0f} s: {worst.expected:.0f} s expected, {worst.took:.0f} s taken)."
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
