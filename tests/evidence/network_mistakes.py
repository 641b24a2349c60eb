"""Mistakes in conv_net, transformer_block and recurrent on many seeds: is each seen, and in its place?

    python -m tests.evidence.network_mistakes [--seeds 5]

The mistakes of tests/agreement/mistakes_*.py, each planted in a copy of an implementation and examined in the
dtypes in which it shows, as tests/agreement/examination/test_stages.py does on one seed. Writes
results/agreement/network-mistakes.csv and .md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from samestep.api import open_cell
from samestep.catalog.inputs import draw_inputs
from samestep.codec import decode
from samestep.report import formatting
from tests.agreement.mistakes_conv_net import CONV_NET
from tests.agreement.mistakes_recurrent import RECURRENT
from tests.agreement.mistakes_transformer import TRANSFORMER
from tests.evidence.examiner import Examiner, Problem
from tests.evidence.fault_outcomes import DTYPES, FIRST_SEED
from tests.evidence.parallel import print_row, run_shares
from tests.evidence.results import AGREEMENT, machine, write_csv, write_page
from tests.made.planting import planted

MISTAKES = (*CONV_NET, *TRANSFORMER, *RECURRENT)


@dataclass(frozen=True)
class Share:
    """The work of one process: the mistakes in one framework, in one dtype."""

    framework: str
    dtype: str
    seeds: Sequence[int]


@dataclass(frozen=True)
class Outcome:
    """What became of one mistake on one seed; ``placed`` where the reason names the place that is expected."""

    workload: str
    rung: str
    mistake: str
    dtype: str
    seed: int
    verdict: str
    caught: bool
    placed: bool
    reason: str | None


def outcomes(share: Share) -> Iterator[Outcome]:
    """Return the outcomes of a share, seed by seed: the mistakes of a case share its spreads."""
    examiner = Examiner(share.dtype)
    mine = [m for m in MISTAKES if m.framework == share.framework and share.dtype in m.dtypes]
    with tempfile.TemporaryDirectory() as folder:
        for number, mistake in enumerate(mine):
            own = Path(folder) / str(number)
            own.mkdir()
            source = examiner.catalog.implementation(mistake.workload, mistake.rung).path
            file = planted(own, source, mistake.changes)
            case = f"{mistake.workload}:{mistake.case}"
            opened = open_cell(case, dtype=share.dtype, file=file)
            for seed in share.seeds:
                candidate = opened.on(draw_inputs(opened.spec, opened.case, seed))
                verdict = examiner.examine(Problem(mistake.workload, mistake.case, seed), candidate)
                yield Outcome(
                    mistake.workload, mistake.rung, mistake.name, share.dtype, seed, verdict.verdict,
                    caught=verdict.verdict == mistake.verdict,
                    placed=mistake.found in (verdict.reason or ""), reason=verdict.reason,
                )  # fmt: skip


def page(rows: Sequence[Outcome], seeds: int) -> str:
    """Return the page: a row for each workload, and each outcome that is not as expected."""
    table = []
    for workload in dict.fromkeys(row.workload for row in rows):
        mine = [row for row in rows if row.workload == workload]
        planted_in = {(row.rung, row.mistake) for row in mine}
        counts = (sum(row.caught for row in mine), sum(row.placed for row in mine))
        table.append(
            (workload, str(len(planted_in)), str(len({row.rung for row in mine})), f"{len(mine):,}",
             *(f"{count:,}" for count in counts))
        )  # fmt: skip
    head = ("workload", "mistakes", "implementations", "examinations", "caught", "placed")
    others = [
        f"- {row.workload}/{row.rung}: {row.mistake}, {row.dtype}, seed {row.seed}: {row.verdict}: {row.reason}"
        for row in rows
        if not (row.caught and row.placed)
    ]
    return "\n".join([
        "# Mistakes in the three networks", "",
        f"Each mistake on {seeds} seeds from {FIRST_SEED} on, in the dtypes in which it shows, on {machine()}. Caught is the "
        "verdict that it must get, placed the task and the first tensor that are wrong. Made by `python -m "
        "tests.evidence.network_mistakes`.", "",
        *formatting.table(head, table, "llllll"), "",
        *(["Not as expected:", "", *others] if others else []),
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--share", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=AGREEMENT)
    options = parser.parse_args()
    if options.share:
        for row in outcomes(decode(Share, json.loads(options.share))):
            print_row(row)
        return
    rows: list[Outcome] = []

    def on_row(row: Outcome) -> None:
        rows.append(row)
        if not (row.caught and row.placed):
            print(row, file=sys.stderr, flush=True)

    seeds = tuple(range(FIRST_SEED, FIRST_SEED + options.seeds))
    frameworks = dict.fromkeys(mistake.framework for mistake in MISTAKES)
    run_shares(__file__, [Share(f, dtype, seeds) for f in frameworks for dtype in DTYPES], Outcome, on_row)
    rows.sort(key=lambda row: (row.workload, row.rung, row.mistake, row.dtype, row.seed))
    write_csv(options.out, "network-mistakes", [field.name for field in fields(Outcome)], map(astuple, rows))
    write_page(options.out, "network-mistakes", page(rows, options.seeds))
    sys.exit(0 if all(row.caught for row in rows) else 1)


if __name__ == "__main__":
    main()
