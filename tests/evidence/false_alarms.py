"""Honest tapes on seeds never looked at: how often is one accused?

    python -m tests.evidence.false_alarms [--seeds 22]

A tape is one examination of one rung as it is, on inputs of one seed, in one dtype, through all stages. Writes
results/agreement/false-alarms.csv and .md.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter
from pathlib import Path

from samestep.agreement.verdict import AGREE, DISAGREE, SUSPECT
from tests.evidence.lanes import OUT, Lane, Row, cases, machine, run_lanes, say

FRAMEWORKS = ("numpy", "sympy", "torch", "tensorflow", "jax", "keras", "sklearn")
FURTHER = [("two_layer", "tiny"), ("manual_backprop", "unequal")]
FIRST_SEED = 100_000


def lane(dtype: str, seeds: list[int]) -> None:
    """Every rung of every workload. Frameworks share the process here: nothing is timed."""
    lanes = {name: Lane(name, dtype) for name in FRAMEWORKS}
    known = lanes["numpy"]
    for seed in seeds:
        for workload, case in [*cases(known.catalog), *FURTHER]:
            for rung in known.catalog.implementations(workload):
                mine = lanes[rung.framework]
                began = time.perf_counter()
                candidate = mine.candidate(workload, case, mine.catalog.load(rung), seed)
                expectations = known.expectations(candidate, workload, case, seed)
                verdict = mine.examined(candidate, expectations)
                shares = verdict.tensors
                say({
                    "workload": workload, "case": case, "rung": rung.name, "dtype": dtype, "seed": seed,
                    "verdict": verdict.verdict, "reason": verdict.reason, "notes": list(verdict.notes),
                    "precision": verdict.precision and verdict.precision["label"],
                    "elements": max((s["elements"] / s["elements_limit"] for s in shares.values()), default=0),
                    "norm": max((s["norm"] / s["norm_limit"] for s in shares.values()), default=0),
                    "scale": max((abs(s["scale"]) / s["scale_limit"] for s in shares.values()), default=0),
                    "certificate": max((s["certificate"] or 0 for s in shares.values()), default=0),
                    "seconds": round(time.perf_counter() - began, 3),
                })  # fmt: skip
        for one in lanes.values():
            one.forget()


def write(rows: list[Row], out: Path) -> None:
    rows.sort(key=lambda r: (r["workload"], r["case"], r["rung"], r["dtype"], r["seed"]))
    with (out / "false-alarms.csv").open("w", newline="", encoding="utf-8") as file:
        names = [name for name in rows[0] if name not in ("seconds", "notes")]
        table = csv.DictWriter(file, [*names, "looked again"], extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        for row in rows:
            numbers = {n: f"{v:.3g}" for n, v in row.items() if isinstance(v, float)}
            table.writerow({**row, **numbers, "looked again": len(row["notes"])})
    verdicts = Counter(row["verdict"] for row in rows)
    lines = [
        "# Honest tapes", "",
        f"{len(rows):,} examinations of {len({(r['workload'], r['rung']) for r in rows})} rungs as they are, seeds "
        f"{FIRST_SEED} and on, float32 and float64, on {machine()}. Made by `python -m tests.evidence.false_alarms`.",
        "", "| verdict | tapes |", "|---|---|",
        *(f"| {verdict} | {count:,} |" for verdict, count in verdicts.most_common()), "",
        f"{sum(bool(r['notes']) for r in rows)} were looked at again and found right.", "",
        "The worst that honest code did, as a share of each limit:", "",
        "| workload | dtype | tapes | element | norm | scale | certificate |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for group in dict.fromkeys((f"{r['workload']}:{r['case']}", r["dtype"]) for r in rows):
        mine = [r for r in rows if (f"{r['workload']}:{r['case']}", r["dtype"]) == group]
        worst = (max(r[name] for r in mine) for name in ("elements", "norm", "scale", "certificate"))
        lines.append(f"| {group[0]} | {group[1]} | {len(mine):,} | {' | '.join(f'{w:.2f}' for w in worst)} |")
    lines += ["", *(f"- {r['workload']}:{r['case']}/{r['rung']} {r['dtype']} seed {r['seed']}: {r['verdict']}: {r['reason']}"
                    for r in rows if r["verdict"] != AGREE)]  # fmt: skip
    (out / "false-alarms.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lane", nargs="+")
    parser.add_argument("--seeds", type=int, default=22)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    if asked.lane:
        lane(asked.lane[0], [int(seed) for seed in asked.lane[1].split(",")])
        return
    rows: list[Row] = []
    seeds = [FIRST_SEED + n for n in range(asked.seeds)]

    def heard(row: Row) -> None:
        rows.append(row)
        if row["verdict"] != AGREE or row["notes"]:
            print(row, file=sys.stderr, flush=True)

    lanes = [
        [dtype, ",".join(map(str, seeds[first::2]))] for first in (0, 1) for dtype in ("float32", "float64")
    ]
    run_lanes(__file__, [one for one in lanes if one[1]], heard)
    asked.out.mkdir(parents=True, exist_ok=True)
    write(rows, asked.out)
    sys.exit(1 if any(row["verdict"] in (DISAGREE, SUSPECT) for row in rows) else 0)


if __name__ == "__main__":
    main()
