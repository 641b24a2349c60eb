"""Correct code on seeds that were never looked at: how often does it get a false alarm?

    python -m tests.evidence.false_alarms [--seeds 22] [--workload conv_net ...]

One implementation as it is, on inputs of one seed, in one dtype, is taken through all stages. Writes
results/agreement/false-alarms.csv and .md; of some workloads only, their names stand in the names of the files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from samestep.agreement.findings import TensorStatistics
from samestep.agreement.verdict import AGREE, DISAGREE, SUSPECT
from samestep.api import open_cell
from samestep.catalog.catalog import Catalog
from samestep.codec import decode
from samestep.report import formatting
from tests.evidence.examiner import Examiner, Problem
from tests.evidence.parallel import print_row, run_shares
from tests.evidence.results import AGREEMENT, machine, write_csv, write_page

FURTHER = (("two_layer", "tiny"), ("manual_backprop", "unequal"))
#: At their own sizes, a hundred replicas of images and of long loops take a minute for each seed.
SMALLER = {
    "conv_net": ("tiny",),
    "transformer_block": ("tiny", "tiny_tanh"),
    "recurrent": tuple(f"{cell}[batch=4,steps=4,hidden=8]" for cell in ("gru", "gru_reset_after", "lstm")),
}
FIRST_SEED = 100_000


@dataclass(frozen=True)
class Share:
    """The work of one process: every implementation of the workloads, in one dtype."""

    dtype: str
    seeds: Sequence[int]
    workloads: Sequence[str]


@dataclass(frozen=True)
class Examination:
    """The verdict on one implementation.

    ``elements``, ``norm`` and ``scale`` are its worst statistics as a share of their limits, and
    ``certificate`` is the worst error as a share of its bound; ``rechecked`` counts the findings that were
    re-checked on perturbed inputs and cleared.
    """

    workload: str
    case: str
    rung: str
    dtype: str
    seed: int
    verdict: str
    reason: str | None
    precision: str | None
    elements: float
    norm: float
    scale: float
    certificate: float
    rechecked: int

    @property
    def of_case(self) -> str:
        return f"{self.workload}:{self.case}"


def examinations(share: Share) -> Iterator[Examination]:
    """Return the examinations of a share. Frameworks share the process: nothing is timed."""
    examiner = Examiner(share.dtype)
    for seed in share.seeds:
        for workload, case in cases(examiner.catalog, share.workloads):
            problem = Problem(workload, case, seed)
            for rung in examiner.catalog.implementations(workload):
                yield examination(examiner, problem, rung.name)
        examiner.forget()


def cases(catalog: Catalog, workloads: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return (workload, case): those that a selector without a case means, or smaller ones, and two others."""
    for workload in workloads:
        if workload in SMALLER:
            yield from ((workload, case) for case in SMALLER[workload])
            continue
        for name, case in catalog.spec(workload).cases.items():
            if case.default or (workload, name) in FURTHER:
                yield workload, name


def examination(examiner: Examiner, problem: Problem, rung: str) -> Examination:
    """Return the verdict on one implementation, with its worst statistics."""
    candidate = open_cell(problem.selector(rung), dtype=examiner.dtype, seed=problem.seed)
    verdict = examiner.examine(problem, candidate)

    def worst(share: Callable[[TensorStatistics], float]) -> float:
        return max(map(share, verdict.tensors.values()), default=0.0)

    return Examination(
        problem.workload, problem.case, rung, examiner.dtype, problem.seed, verdict.verdict, verdict.reason,
        verdict.precision.label if verdict.precision else None,
        elements=worst(lambda one: one.elements / one.elements_limit),
        norm=worst(lambda one: one.norm / one.norm_limit),
        scale=worst(lambda one: abs(one.scale) / one.scale_limit),
        certificate=worst(lambda one: one.certificate or 0.0), rechecked=len(verdict.notes),
    )  # fmt: skip


def page(rows: Sequence[Examination]) -> str:
    """Return the page: the count of each verdict, and the largest shares of the limits."""
    verdicts = Counter(row.verdict for row in rows)
    groups: dict[tuple[str, str], list[Examination]] = {}
    for row in rows:
        groups.setdefault((row.of_case, row.dtype), []).append(row)
    shares = [
        (of_case, dtype, f"{len(mine):,}",
         *(f"{max(getattr(row, name) for row in mine):.2f}" for name in ("elements", "norm", "scale", "certificate")))
        for (of_case, dtype), mine in groups.items()
    ]  # fmt: skip
    head = ("workload", "dtype", "examinations", "element", "norm", "scale", "certificate")
    implementations = len({(row.workload, row.rung) for row in rows})
    return "\n".join([
        "# False alarms on correct code", "",
        f"{len(rows):,} examinations of {implementations} implementations as they are, seeds {FIRST_SEED} and on, float32 and "
        f"float64, on {machine()}. Made by `python -m tests.evidence.false_alarms`.", "",
        *formatting.table(
            ("verdict", "examinations"), [(name, f"{count:,}") for name, count in verdicts.most_common()], "ll"
        ), "",
        f"{sum(bool(row.rechecked) for row in rows)} were re-checked on perturbed inputs and cleared.", "",
        "The largest errors of correct code, as a share of each limit:", "", *formatting.table(head, shares, "l" * len(head)), "",
        *(f"- {row.of_case}/{row.rung} {row.dtype} seed {row.seed}: {row.verdict}: {row.reason}"
          for row in rows if row.verdict != AGREE),
    ])  # fmt: skip


def write(rows: list[Examination], name: str, out: Path) -> None:
    """Write the page and the table of all examinations under a name."""
    rows.sort(key=lambda row: (row.workload, row.case, row.rung, row.dtype, row.seed))
    columns = ["looked again" if field.name == "rechecked" else field.name for field in fields(Examination)]
    table = [[f"{v:.3g}" if isinstance(v, float) else v for v in astuple(row)] for row in rows]
    write_csv(out, name, columns, table)
    write_page(out, name, page(rows))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, default=22)
    parser.add_argument(
        "--workload", action="append", choices=Catalog().workloads, help="default: all of them"
    )
    parser.add_argument("--out", type=Path, default=AGREEMENT)
    options = parser.parse_args()
    if options.share:
        for row in examinations(decode(Share, json.loads(options.share))):
            print_row(row)
        return
    rows: list[Examination] = []

    def on_row(row: Examination) -> None:
        rows.append(row)
        if row.verdict != AGREE or row.rechecked:
            print(row, file=sys.stderr, flush=True)

    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    workloads = options.workload or Catalog().workloads
    shares = [
        Share(dtype, tuple(seeds[n::2]), workloads)
        for n in (0, 1)
        for dtype in ("float32", "float64")
        if seeds[n::2]
    ]
    try:
        run_shares(__file__, shares, Examination, on_row)
    finally:  # of an interrupted one too, which took hours
        write(rows, "-".join(["false-alarms", *(options.workload or ())]), options.out)
    sys.exit(1 if any(row.verdict in (DISAGREE, SUSPECT) for row in rows) else 0)


if __name__ == "__main__":
    main()
