"""Every fault in every framework's path on many seeds: does samestep see it, and do the usual checks?

    python tests/evidence/fault_matrix.py [--seeds 20] [--few 5] [--workload two_layer]

Each fault is planted in a copy of a rung, which is examined in float32 and, if that agrees, in float64: that is
what `samestep check` does. Writes results/agreement/faults-<workload>.json and .md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from harness.agreement.candidate import Candidate
from harness.agreement.compare import Place
from harness.agreement.expect import Expectations
from harness.agreement.stages import examine
from harness.agreement.verdict import AGREE, INVALID, Verdict
from tests.agreement.planting import planted
from tests.evidence.faults_mnist_mlp import FAULTS as MNIST_MLP
from tests.evidence.faults_two_layer import FAULTS as TWO_LAYER
from tests.evidence.lanes import OUT, Lane, Row, run_lanes, say
from tests.evidence.usual_checks import CHECKS

CASES = {"two_layer": "tutorial", "mnist_mlp": "sample"}
FAULTS = [*TWO_LAYER, *MNIST_MLP]
FRAMEWORKS = ("numpy", "torch", "jax", "tensorflow")
#: Seeds of the evidence begin here: none was looked at while samestep was written.
FIRST_SEED = 1000


def lane(framework: str, dtype: str, workload: str, seeds: list[int], first: int, stride: int) -> None:
    """Examine every ``stride``-th fault of this framework's paths, and one honest rung of each path."""
    mine, case = Lane(framework, dtype), CASES[workload]
    todo = [
        (fault.name, rung, changes)
        for fault in FAULTS
        if fault.workload == workload
        for rung, changes in fault.changes.items()
        if rung.split("_")[0] == framework
    ]
    honest = dict.fromkeys(rung for _, rung, _ in todo)
    with tempfile.TemporaryDirectory() as folder:
        for name, rung, changes in [*(("", rung, {}) for rung in honest), *todo][first::stride]:
            source = mine.catalog.implementation(workload, rung).path
            file = planted(Path(folder), source, changes)
            module = mine.catalog.load(mine.catalog.describe(workload, file))
            for seed in seeds:
                began = time.perf_counter()
                candidate = mine.candidate(workload, case, module, seed)
                expectations = mine.expectations(candidate, workload, case, seed)
                say({"fault": name, "rung": rung, "seed": seed, **_examined(candidate, expectations),
                     "usual": _usual(candidate, expectations), "dtype": dtype,
                     "seconds": round(time.perf_counter() - began, 3)})  # fmt: skip


def _examined(candidate: Candidate, expectations: Expectations) -> Row:
    try:
        verdict = examine(candidate, expectations)
    except Exception as error:  # a crash is seen by anyone
        verdict = Verdict("crashed", f"{type(error).__name__}: {error}"[:200])
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
    tasks = [t for t in spec.tasks if t == "loss_and_grads" or (spec.tasks[t].trains and not spec.tasks[t].steps)]
    try:
        for task in tasks:
            if candidate.offers(task):
                place, state = Place(0, task), candidate.adopt(candidate.params)
                outputs, state = candidate.run(place, state)
                got = outputs if state is None else {**outputs, **candidate.export(state)}
                expected = expectations.reference.exact(task, candidate.point).all
                pairs += [(a, expected[n].astype(a.dtype)) for n, a in got.items()]
    except Exception:  # so does the usual check
        return dict.fromkeys(CHECKS, True)
    return {name: not all(check(a, b) for a, b in pairs) for name, check in CHECKS.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lane", nargs="+")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--few", type=int, default=5)
    parser.add_argument("--workload", choices=list(CASES), action="append")
    parser.add_argument("--framework", choices=FRAMEWORKS, action="append")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    if asked.lane:
        framework, dtype, workload, seeds, first, stride = asked.lane
        lane(framework, dtype, workload, [int(s) for s in seeds.split(",")], int(first), int(stride))
        return
    for workload in asked.workload or CASES:
        rows: list[Row] = []
        for framework in asked.framework or FRAMEWORKS:
            count = asked.seeds if framework in ("numpy", "torch") else asked.few
            seeds = ",".join(str(FIRST_SEED + n) for n in range(count))
            lanes = [[framework, dtype, workload, seeds, str(n), "2"] for n in (0, 1)
                     for dtype in ("float32", "float64")]  # fmt: skip
            run_lanes(__file__, lanes, rows.append)
            print(f"{workload} {framework}: {len(rows)} rows", file=sys.stderr, flush=True)
        asked.out.mkdir(parents=True, exist_ok=True)
        write(workload, rows, asked.out)


def write(workload: str, rows: list[Row], out: Path) -> None:
    (out / f"faults-{workload}.rows.json").write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
