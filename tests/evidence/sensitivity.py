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

from samestep.agreement.examination.stages import STEPS
from samestep.agreement.examination.tensor_check import Place, check_tensor
from samestep.agreement.examination.tensor_statistics import pooled_scale
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.verdict import Disagreement
from samestep.catalog.catalog import REFERENCE
from tests.evidence.lanes import OUT, Lane, Row, machine

CASES = (
    ("two_layer", "tutorial"),
    ("two_layer", "tiny"),
    ("mnist_mlp", "sample"),
    ("manual_backprop", "unequal"),
)
FIRST_SEED = 5000
Change = Callable[[np.ndarray, float], np.ndarray]
Steps = list[tuple[np.ndarray, Expectation]]


def breached(tensor: str, steps: Steps, change: Change, size: float) -> bool:
    """Whether the mistake, made at each of the steps, is seen at one of them or over all."""
    looked = []
    for got, expected in steps:
        try:
            seen = check_tensor(Place(0, expected.task), tensor, change(got, size).astype(got.dtype), expected)
        except Disagreement:
            return True
        assert seen is not None, f"{tensor} has no spread"
        looked.append(seen)
    factor, limit = pooled_scale(looked)
    return abs(factor) > limit


def smallest(tensor: str, steps: Steps, change: Change) -> float:
    """The smallest size, to a tenth of itself, from which on the change is seen."""
    size = 2.0**-60
    while size < 2.0 and not breached(tensor, steps, change, size):
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
    traced: dict[str, Steps] = {"grad_w1": [], "grad_w2": [], "loss": []}
    values, state = candidate.params, candidate.adopt(candidate.params)
    for number in range(STEPS):
        seen = candidate.trace(Place(number, "trace"), state)
        looked = expectations.expect("trace", candidate.point.with_params(values), "train_step", number)
        for name, steps in traced.items():
            steps.append((seen[name], looked))
        _, state = candidate.run(Place(number, "train_step"), state)
        values = candidate.export(state)
        if number == 0:
            new = values
    step = expectations.expect("train_step", candidate.point, "train_step", 0)
    old = {n: a.astype(np.float64) for n, a in candidate.params.items()}
    found = {
        "grad_w1 times 1 + f": smallest("grad_w1", traced["grad_w1"], scaled),
        "grad_w2 times 1 + f": smallest("grad_w2", traced["grad_w2"], scaled),
        "one element of a gradient times 1 + f": smallest("grad_w1", traced["grad_w1"][:1], one_element),
        "the loss times 1 + f": smallest("loss", traced["loss"], scaled),
    }
    rates, decays = [], []
    for name in ("w1", "w2"):
        move = new[name].astype(np.float64) - old[name]
        rates.append(
            smallest(name, [(new[name], step)], lambda w, f, move=move: w.astype(np.float64) + f * move)
        )
        decays.append(
            smallest(name, [(new[name], step)], lambda w, f, name=name: w.astype(np.float64) - f * old[name])
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
