"""Every fault in every framework's path on many seeds: does samestep see it, and do the usual checks?

    python -m tests.evidence.fault_matrix [--seeds 20] [--few 5] [--workload two_layer] [--every 2]

Each fault is planted in a copy of a rung and examined in float32 and, where that agrees, in float64: that is
what `samestep check` does. Writes results/agreement/faults-<workload>.csv and .md.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.verdict import AGREE, Verdict
from tests.evidence.faults import Fault
from tests.evidence.faults_mnist_mlp import FAULTS as MNIST_MLP
from tests.evidence.faults_two_layer import FAULTS as TWO_LAYER
from tests.evidence.lanes import OUT, Lane, Row, machine, run_lanes, say
from tests.evidence.usual_checks import CHECKS
from tests.made.planting import planted

CASES = {"two_layer": "tutorial", "mnist_mlp": "sample"}
FAULTS = [*TWO_LAYER, *MNIST_MLP]
FRAMEWORKS = ("numpy", "torch", "jax", "tensorflow")
#: Seeds of the evidence begin here: none was looked at while samestep was written.
FIRST_SEED = 1000

Missed = dict[tuple[str, str], list[int]]  # (fault, rung) -> seeds


def lane(asked: Mapping[str, object]) -> None:
    """Some faults of one framework's paths, and the honest rungs; in float64 only what float32 missed."""
    mine, case = Lane(str(asked["framework"]), str(asked["dtype"])), CASES[str(asked["workload"])]
    workload = str(asked["workload"])
    missed: set[tuple[str, str, int]] | None = None
    if asked["missed"] is not None:
        missed = {tuple(one) for one in asked["missed"]}  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        for name, rung, changes in list(_todo(asked))[int(asked["first"]) :: 2]:  # type: ignore[call-overload]
            source = mine.catalog.implementation(workload, rung).path
            module = mine.catalog.load(
                mine.catalog.describe(workload, planted(Path(folder), source, changes))
            )
            for seed in asked["seeds"]:  # type: ignore[attr-defined]
                began = time.perf_counter()
                candidate = mine.candidate(workload, case, module, seed)
                expectations = mine.expectations(candidate, workload, case, seed)
                row: Row = {"fault": name, "rung": rung, "seed": seed, "dtype": asked["dtype"]}
                row["usual"] = _usual(candidate, expectations)
                if missed is None or not name or (name, rung, seed) in missed:
                    row |= _told(mine.examined(candidate, expectations))
                say({**row, "seconds": round(time.perf_counter() - began, 3)})


def _todo(asked: Mapping[str, object]) -> Iterable[tuple[str, str, Mapping[str, str]]]:
    """(fault, rung, patch) of this framework; first each host as it is, under the name ""."""
    mine = [
        (fault.name, rung, changes)
        for fault in chosen(str(asked["workload"]), int(asked["every"]))  # type: ignore[call-overload]
        for rung, changes in fault.changes.items()
        if rung.split("_")[0] == asked["framework"]
    ]
    return [*(("", rung, {}) for rung in dict.fromkeys(rung for _, rung, _ in mine)), *mine]


def chosen(workload: str, every: int) -> list[Fault]:
    return [fault for fault in FAULTS if fault.workload == workload][::every]


def _told(verdict: Verdict) -> Row:
    found = verdict.first_divergence
    return {
        "verdict": verdict.verdict,
        "tensor": found.tensor if found else None,
        "test": found.test if found else None,
        "kind": verdict.diagnosis.kind if verdict.diagnosis else None,
        "reason": verdict.reason[:300] if verdict.reason else None,
    }


def _usual(candidate: Candidate, expectations: Expectations) -> dict[str, bool]:
    """Which usual checks object to the first step: loss, gradients, new params."""
    spec, pairs = candidate.spec, []
    steps = [t for t, about in spec.tasks.items() if about.trains and not about.steps]
    try:
        for task in ("loss_and_grads", *steps):
            if candidate.offers(task):
                outputs, state = candidate.run(Place(0, task), candidate.adopt(candidate.params))
                got = outputs if state is None else {**outputs, **candidate.export(state)}
                expected = expectations.expect(task, candidate.point, task, 0).exact.all
                pairs += [(a, expected[n].astype(a.dtype)) for n, a in got.items()]
    except Exception:  # what crashes is seen by the usual check too
        return dict.fromkeys(CHECKS, True)
    return {name: not all(check(a, b) for a, b in pairs) for name, check in CHECKS.items()}


# -- what came out -----------------------------------------------------------------------------------------


def summary(workload: str, rows: list[Row], every: int) -> list[Row]:
    """One row for each fault and rung, over all seeds; of "" the honest rungs."""
    kinds = {fault.name: fault for fault in chosen(workload, every)}
    groups: dict[tuple[str, str], dict[int, dict[str, Row]]] = {}
    for row in rows:
        groups.setdefault((row["fault"], row["rung"]), {}).setdefault(row["seed"], {})[row["dtype"]] = row
    table = []
    for (name, rung), seeds in groups.items():
        fault = kinds.get(name)
        told = [next((r for r in (s.get("float32"), s.get("float64")) if r and r.get("verdict", AGREE) != AGREE), None)
                for s in seeds.values()]  # fmt: skip
        caught = [row for row in told if row]
        placed = [row for row in caught if row["tensor"]]
        named = [row for row in caught if row["kind"]]
        about = {
            "fault": name, "kind": fault.kind if fault else "", "rung": rung, "seeds": len(seeds),
            "caught": len(caught), "in float32": sum(row["dtype"] == "float32" for row in caught),
            "placed": sum(row["tensor"] in fault.tensors for row in placed) if fault else 0,
            "to place": len(placed), "named": len(named),
            "named rightly": sum(row["kind"] == fault.kind for row in named) if fault else 0,
            "first": caught[0]["reason"] if caught else "",
        }  # fmt: skip
        for check in CHECKS:
            for dtype in ("float32", "float64"):
                seen = [s[dtype]["usual"][check] for s in seeds.values() if dtype in s]
                about[f"{check} {dtype}"] = sum(seen)
        table.append(about)
    return table


def write(workload: str, rows: list[Row], every: int, out: Path) -> None:
    table = summary(workload, rows, every)
    out.mkdir(parents=True, exist_ok=True)
    with (out / f"faults-{workload}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    (out / f"faults-{workload}.md").write_text(_page(workload, table), encoding="utf-8")


def _page(workload: str, table: list[Row]) -> str:
    faults, honest = [r for r in table if r["fault"]], [r for r in table if not r["fault"]]

    def total(rows: list[Row], name: str) -> int:
        return sum(row[name] for row in rows)

    def share(rows: list[Row], name: str, of: str = "seeds") -> str:
        whole = total(rows, of)
        return f"{total(rows, name):,} of {whole:,}" + (
            f" ({100 * total(rows, name) / whole:.1f} %)" if whole else ""
        )

    lines = [
        f"# Faults planted in {workload}:{CASES[workload]}", "",
        f"{len({r['fault'] for r in faults})} faults in {len(faults)} paths, seeds {FIRST_SEED} and on, on {machine()}. Made by "
        "`python -m tests.evidence.fault_matrix`; one row for each path in the CSV file beside this page.", "",
        "| framework | paths | caught | by float32 alone | placed rightly | named | named rightly |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for framework in (*FRAMEWORKS, "all"):
        mine = [r for r in faults if framework == "all" or r["rung"].startswith(framework)]
        lines.append(
            f"| {framework} | {len(mine)} | {share(mine, 'caught')} | {share(mine, 'in float32')} "
            f"| {share(mine, 'placed', 'to place')} | {total(mine, 'named'):,} | {share(mine, 'named rightly', 'named')} |"
        )
    lines += ["", "The usual checks on the same cases: the loss, the gradients and the new weights of the first step, beside",
              "the float64 reference rounded to the dtype.", "",
              "| check | dtype | faults seen | honest runs accused |", "|---|---|---|---|",
              f"| samestep | both | {share(faults, 'caught')} | {share(honest, 'caught')} |"]  # fmt: skip
    for check in CHECKS:
        for dtype in ("float32", "float64"):
            name = f"{check} {dtype}"
            lines.append(f"| {check} | {dtype} | {share(faults, name)} | {share(honest, name)} |")
    missed = [r for r in faults if r["caught"] < r["seeds"]]
    lines += ["", "Not caught on every seed:" if missed else "Every fault is caught on every seed.", "",
              *(f"- {r['fault']} in {r['rung']}: {r['caught']} of {r['seeds']}" for r in missed)]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lane")
    parser.add_argument("--seeds", type=int, default=20, help="for NumPy and PyTorch")
    parser.add_argument("--few", type=int, default=5, help="for JAX and TensorFlow")
    parser.add_argument("--every", type=int, default=1, help="take every so manieth fault")
    parser.add_argument("--workload", choices=list(CASES), action="append")
    parser.add_argument("--framework", choices=FRAMEWORKS, action="append")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    if asked.lane:
        lane(json.loads(asked.lane))
        return
    for workload in asked.workload or CASES:
        with tempfile.TemporaryDirectory() as spreads:
            for rows in _rows(workload, asked, Path(spreads)):
                write(workload, rows, asked.every, asked.out)


def _rows(workload: str, asked: argparse.Namespace, spreads: Path) -> Iterator[list[Row]]:
    """All rows so far, after each framework."""
    rows: list[Row] = []
    for framework in asked.framework or FRAMEWORKS:
        count = asked.seeds if framework in ("numpy", "torch") else asked.few
        seeds = [FIRST_SEED + n for n in range(count)]
        missed = None
        for dtype in ("float32", "float64"):
            about = {"framework": framework, "dtype": dtype, "workload": workload, "seeds": seeds,
                     "every": asked.every, "missed": missed}  # fmt: skip
            came: list[Row] = []
            run_lanes(__file__, [[json.dumps({**about, "first": n})] for n in (0, 1)], came.append, spreads)
            if missed is None:
                missed = [(r["fault"], r["rung"], r["seed"]) for r in came if r["verdict"] == AGREE]
            rows += came
            print(f"{workload} {framework} {dtype}: {len(came)} rows", file=sys.stderr, flush=True)
        yield rows


if __name__ == "__main__":
    main()
