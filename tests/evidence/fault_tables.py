"""The tables of the fault matrix: what samestep caught in each path, and what the usual checks objected to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from samestep.report import formatting
from tests.evidence.fault_outcomes import CASES, DTYPES, FIRST_SEED, FRAMEWORKS, HONEST, Outcome, chosen
from tests.evidence.faults import Fault, framework_of
from tests.evidence.results import machine, write_csv, write_page
from tests.evidence.usual_checks import CHECKS


@dataclass(frozen=True)
class Summary:
    """The outcomes of one fault in one implementation over all seeds; ``fault`` is None for it as it is.

    ``caught`` holds for each seed on which samestep objected the outcome that says so, ``usual`` counts the
    seeds on which a check objects, by check and dtype.
    """

    fault: Fault | None
    rung: str
    seeds: int
    caught: Sequence[Outcome]
    usual: Mapping[tuple[str, str], int]

    @property
    def counts(self) -> dict[str, int]:
        """The counts of seeds, by the columns of the table."""
        placed = [one for one in self.caught if one.tensor]
        named = [one for one in self.caught if one.kind]
        fault = self.fault
        return {
            "seeds": self.seeds,
            "caught": len(self.caught),
            "in float32": sum(one.dtype == "float32" for one in self.caught),
            "placed": sum(one.tensor in fault.tensors for one in placed) if fault else 0,
            "to place": len(placed),
            "named": len(named),
            "named rightly": sum(one.kind == fault.kind for one in named) if fault else 0,
        }

    @property
    def row(self) -> dict[str, object]:
        """The row of the table."""
        fault = self.fault
        return {
            "fault": fault.name if fault else HONEST, "kind": fault.kind if fault else "", "rung": self.rung,
            **self.counts, "first": self.caught[0].reason if self.caught else "",
            **{f"{check} {dtype}": count for (check, dtype), count in self.usual.items()},
        }  # fmt: skip


def summarize(workload: str, found: Sequence[Outcome], every: int) -> list[Summary]:
    """Return a summary for each fault and implementation."""
    faults = {fault.name: fault for fault in chosen(workload, every)}
    groups: dict[tuple[str, str], dict[int, dict[str, Outcome]]] = {}
    for one in found:
        groups.setdefault((one.fault, one.rung), {}).setdefault(one.seed, {})[one.dtype] = one
    summaries = []
    for (name, rung), seeds in groups.items():
        first = [next((s[d] for d in DTYPES if d in s and s[d].caught), None) for s in seeds.values()]
        usual = {
            (check, dtype): sum(s[dtype].usual[check] for s in seeds.values() if dtype in s)
            for check in CHECKS
            for dtype in DTYPES
        }
        caught = [one for one in first if one]
        summaries.append(Summary(faults.get(name), rung, len(seeds), caught, usual))
    return summaries


def write(workload: str, found: Sequence[Outcome], every: int, out: Path) -> None:
    """Write the page of a workload and the table of all paths."""
    summaries = summarize(workload, found, every)
    rows = [one.row for one in summaries]
    write_csv(out, f"faults-{workload}", list(rows[0]), [list(row.values()) for row in rows])
    write_page(out, f"faults-{workload}", page(workload, summaries))


def ratio(count: int, whole: int) -> str:
    """Return a count as a part of a whole: 19 of 20 (95.0 %)."""
    return f"{count:,} of {whole:,}" + (f" ({100 * count / whole:.1f} %)" if whole else "")


def share_of(summaries: Sequence[Summary], name: str, whole: str = "seeds") -> str:
    """Return the total of a count, as a part of another's."""
    return ratio(total(summaries, name), total(summaries, whole))


def total(summaries: Sequence[Summary], name: str) -> int:
    """Return the total of a count."""
    return sum(one.counts[name] for one in summaries)


def page(workload: str, summaries: Sequence[Summary]) -> str:
    """Return the page: what samestep caught by framework, and what the usual checks saw."""
    faulty = [one for one in summaries if one.fault]
    faults = {one.fault.name for one in faulty if one.fault}
    missed = [one for one in faulty if len(one.caught) < one.seeds]
    head = ("framework", "paths", "caught", "by float32 alone", "placed rightly", "named", "named rightly")
    return "\n".join([
        f"# Faults planted in {workload}:{CASES[workload]}", "",
        f"{len(faults)} faults in {len(faulty)} paths, seeds {FIRST_SEED} and on, on {machine()}. Made by "
        "`python -m tests.evidence.fault_matrix`; one row for each path in the CSV file beside this page.", "",
        *formatting.table(head, by_framework(faulty), "l" * len(head)), "",
        "The usual checks on the same cases: the loss, the gradients and the new parameters of the first step, beside",
        "the float64 reference rounded to the dtype.", "",
        *formatting.table(
            ("check", "dtype", "faults detected", "false positives on correct code"), by_check(summaries), "llll"
        ), "",
        "Not caught on every seed:" if missed else "Every fault is caught on every seed.", "",
        *(f"- {one.fault.name} in {one.rung}: {len(one.caught)} of {one.seeds}" for one in missed if one.fault),
    ])  # fmt: skip


def by_framework(faulty: Sequence[Summary]) -> Iterator[Sequence[str]]:
    """Return the rows of what samestep caught: one for each framework, and one for all."""
    for framework in (*FRAMEWORKS, "all"):
        mine = [one for one in faulty if framework in ("all", framework_of(one.rung))]
        yield (
            framework, str(len(mine)), share_of(mine, "caught"), share_of(mine, "in float32"),
            share_of(mine, "placed", "to place"), f"{total(mine, 'named'):,}",
            share_of(mine, "named rightly", "named"),
        )  # fmt: skip


def by_check(summaries: Sequence[Summary]) -> Iterator[Sequence[str]]:
    """Return the rows of what samestep and each usual check objected to."""
    faulty, honest = [one for one in summaries if one.fault], [one for one in summaries if not one.fault]
    yield "samestep", "both", share_of(faulty, "caught"), share_of(honest, "caught")
    for check in CHECKS:
        for dtype in DTYPES:
            yield (
                check,
                dtype,
                *(
                    ratio(sum(s.usual[check, dtype] for s in group), total(group, "seeds"))
                    for group in (faulty, honest)
                ),
            )
