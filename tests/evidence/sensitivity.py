"""How small a mistake is still seen: the smallest one that breaches a limit, on honest outputs.

    python -m tests.evidence.sensitivity [--seeds 20]

The outputs of `numpy_manual` in each dtype are changed by a growing amount, until a limit speaks; the worst
over the seeds is kept. Writes results/agreement/sensitivity.csv and .md.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.agreement.compare import Place, judged
from harness.agreement.expect import Expectation
from harness.agreement.verdict import Disagreement
from harness.catalog import REFERENCE
from tests.evidence.lanes import OUT, Lane, Row, machine

CASES = (
    ("two_layer", "tutorial"),
    ("two_layer", "tiny"),
    ("mnist_mlp", "sample"),
    ("manual_backprop", "unequal"),
)
FIRST_SEED = 5000
Change = Callable[[np.ndarray, float], np.ndarray]


def breached(tensor: str, got: np.ndarray, expected: Expectation) -> bool:
    try:
        judged(Place(0, expected.task), tensor, got, expected)
    except Disagreement:
        return True
    return False


def smallest(tensor: str, got: np.ndarray, expected: Expectation, change: Change) -> float:
    """The smallest size, to a tenth of itself, from which on the change is seen."""
    size = 2.0**-60
    while size < 2.0 and not breached(tensor, change(got, size).astype(got.dtype), expected):
        size *= 1.1
    return size


def scaled(got: np.ndarray, size: float) -> np.ndarray:
    return got.astype(np.float64) * (1 + size)


def one_element(got: np.ndarray, size: float) -> np.ndarray:
    """The element that is nearest to the root mean square: neither large nor small."""
    changed = got.astype(np.float64).copy()
    rms = np.sqrt(np.square(changed).mean())
    changed.reshape(-1)[np.abs(np.abs(changed) - rms).argmin()] *= 1 + size
    return changed


def measure(lane: Lane, workload: str, case: str, seed: int) -> dict[str, float]:
    rung = lane.catalog.implementation(workload, REFERENCE)
    candidate = lane.candidate(workload, case, lane.catalog.load(rung), seed)
    expectations = lane.expectations(candidate, workload, case, seed)
    state = candidate.adopt(candidate.params)
    seen = candidate.trace(Place(0, "trace"), state)
    looked = expectations.expect("trace", candidate.point, "train_step", 0)
    step = expectations.expect("train_step", candidate.point, "train_step", 0)
    _, after = candidate.run(Place(0, "train_step"), state)
    new, old = candidate.export(after), {n: a.astype(np.float64) for n, a in candidate.params.items()}
    found = {
        "grad_w1 times 1 + f": smallest("grad_w1", seen["grad_w1"], looked, scaled),
        "grad_w2 times 1 + f": smallest("grad_w2", seen["grad_w2"], looked, scaled),
        "one element of a gradient times 1 + f": smallest("grad_w1", seen["grad_w1"], looked, one_element),
        "the loss times 1 + f": smallest("loss", seen["loss"], looked, scaled),
    }
    rates, decays = [], []
    for name in ("w1", "w2"):
        move = new[name].astype(np.float64) - old[name]
        rates.append(smallest(name, new[name], step, lambda w, f, move=move: w.astype(np.float64) + f * move))
        decays.append(
            smallest(name, new[name], step, lambda w, f, name=name: w.astype(np.float64) - f * old[name])
        )
    # A mistake in the step is in all weights: the first one that sees it is enough
    return {**found, "the learning rate times 1 + f": min(rates), "weight decay of f": min(decays)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    rows: list[Row] = []
    for dtype in ("float32", "float64"):
        lane = Lane("numpy", dtype)
        for workload, case in CASES:
            worst: dict[str, float] = {}
            for seed in range(FIRST_SEED, FIRST_SEED + asked.seeds):
                for mistake, size in measure(lane, workload, case, seed).items():
                    worst[mistake] = max(size, worst.get(mistake, 0.0))
                lane.forget()
            rows += [{"case": f"{workload}:{case}", "dtype": dtype, "mistake": mistake, "seen from": f"{size:.2g}"}
                     for mistake, size in worst.items()]  # fmt: skip
    asked.out.mkdir(parents=True, exist_ok=True)
    with (asked.out / "sensitivity.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    cases = list(dict.fromkeys(row["case"] for row in rows))
    lines = ["# The smallest mistake that is seen", "",
             f"f, the worst of {asked.seeds} seeds from {FIRST_SEED} on, in outputs of `numpy_manual`; on {machine()}. "
             "Made by `python -m tests.evidence.sensitivity`.", "",
             "| mistake | dtype | " + " | ".join(cases) + " |", "|---|---|" + "---|" * len(cases)]  # fmt: skip
    for mistake in dict.fromkeys(row["mistake"] for row in rows):
        for dtype in ("float32", "float64"):
            found = {
                row["case"]: row["seen from"]
                for row in rows
                if (row["mistake"], row["dtype"]) == (mistake, dtype)
            }
            lines.append(f"| {mistake} | {dtype} | " + " | ".join(found[case] for case in cases) + " |")
    (asked.out / "sensitivity.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
