"""How small a mistake is still detected: the smallest one that breaches a limit, in correct outputs.

    python -m tests.evidence.sensitivity [--seeds 20]

The outputs of `numpy_manual` in each dtype are changed by a growing amount, until a limit is breached; the worst
over the seeds is kept. Writes results/agreement/sensitivity.csv and .md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samestep.agreement.examination.stages import STEPS
from samestep.agreement.examination.tensor_check import Place, check_tensor
from samestep.agreement.examination.tensor_statistics import pooled_scale
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.verdict import Disagreement
from samestep.api import open_cell
from samestep.catalog.catalog import REFERENCE
from samestep.report import formatting
from tests.evidence.examiner import Examiner, Problem
from tests.evidence.results import AGREEMENT, machine, write_csv, write_page

CASES = (
    ("two_layer", "tutorial"),
    ("two_layer", "tiny"),
    ("mnist_mlp", "sample"),
    ("manual_backprop", "unequal"),
)
DTYPES = ("float32", "float64")
FIRST_SEED = 5000
#: Returns a tensor with a mistake of a size in it, in float64.
Change = Callable[[np.ndarray, float], np.ndarray]
#: A tensor at each training step, with what the reference gives there.
Steps = list[tuple[np.ndarray, Expectation]]


@dataclass(frozen=True)
class Smallest:
    """The smallest detected size of a mistake, the worst of the seeds."""

    case: str
    dtype: str
    mistake: str
    size: float


def breached(tensor: str, steps: Steps, change: Change, size: float) -> bool:
    """Return whether the mistake, made at each of the steps, breaches a limit at one of them or over all."""
    statistics = []
    for got, expected in steps:
        try:
            one = check_tensor(Place(0, expected.task), tensor, change(got, size).astype(got.dtype), expected)
        except Disagreement:
            return True
        assert one is not None, f"{tensor} has no spread"
        statistics.append(one)
    factor, limit = pooled_scale(statistics)
    return abs(factor) > limit


def smallest(tensor: str, steps: Steps, change: Change) -> float:
    """Return the smallest size, to a tenth of itself, from which on the change breaches a limit."""
    size = 2.0**-60
    while size < 2.0 and not breached(tensor, steps, change, size):
        size *= 1.1
    return size


def scaled(got: np.ndarray, size: float) -> np.ndarray:
    """Return the tensor times 1 + size."""
    return got.astype(np.float64) * (1 + size)


def one_element(got: np.ndarray, size: float) -> np.ndarray:
    """Return the tensor with one element times 1 + size: the one that is nearest to the root mean square."""
    changed = got.astype(np.float64).copy()
    rms = np.sqrt(np.square(changed).mean())
    changed.reshape(-1)[np.abs(np.abs(changed) - rms).argmin()] *= 1 + size
    return changed


def update_times(move: np.ndarray) -> Change:
    """Return the change of a new parameter whose update ``move`` was made with the rate times 1 + size."""
    return lambda new, size: new.astype(np.float64) + size * move


def decayed(old: np.ndarray) -> Change:
    """Return the change of a new parameter with weight decay of a size, from what it was before."""
    return lambda new, size: new.astype(np.float64) - size * old


def measure(examiner: Examiner, problem: Problem) -> dict[str, float]:
    """Return the smallest detected size of each mistake, in the outputs of `numpy_manual`."""
    candidate = open_cell(problem.selector(REFERENCE), dtype=examiner.dtype, seed=problem.seed)
    expectations = examiner.expectations(problem, candidate)
    traced: dict[str, Steps] = {"grad_w1": [], "grad_w2": [], "loss": []}
    params, state = candidate.params, candidate.adopt(candidate.params)
    for number in range(STEPS):
        shown = candidate.trace(Place(number, "trace"), state)
        expected = expectations.expect("trace", candidate.point.with_params(params), "train_step", number)
        for name, steps in traced.items():
            steps.append((shown[name], expected))
        _, state = candidate.run(Place(number, "train_step"), state)
        params = candidate.export(state)
        if number == 0:
            new = params
    step = expectations.expect("train_step", candidate.point, "train_step", 0)
    rates, decays = [], []
    for name in ("w1", "w2"):
        old, got = candidate.params[name].astype(np.float64), [(new[name], step)]
        rates.append(smallest(name, got, update_times(new[name].astype(np.float64) - old)))
        decays.append(smallest(name, got, decayed(old)))
    return {
        "grad_w1 times 1 + f": smallest("grad_w1", traced["grad_w1"], scaled),
        "grad_w2 times 1 + f": smallest("grad_w2", traced["grad_w2"], scaled),
        "one element of a gradient times 1 + f": smallest("grad_w1", traced["grad_w1"][:1], one_element),
        "the loss times 1 + f": smallest("loss", traced["loss"], scaled),
        # A mistake in the step is in all parameters: the first one that shows it is enough.
        "the learning rate times 1 + f": min(rates),
        "weight decay of f": min(decays),
    }


def worst(workload: str, case: str, dtype: str, seeds: int) -> list[Smallest]:
    """Return the worst over the seeds of each mistake, in one case and dtype."""
    found: dict[str, float] = {}
    examiner = Examiner(dtype)
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for mistake, size in measure(examiner, Problem(workload, case, seed)).items():
            found[mistake] = max(size, found.get(mistake, 0.0))
        examiner.forget()
    return [Smallest(f"{workload}:{case}", dtype, mistake, size) for mistake, size in found.items()]


def page(rows: list[Smallest], seeds: int) -> str:
    """Return the page: a row for each mistake and dtype, a column for each case."""
    sizes = {(row.mistake, row.dtype, row.case): f"{row.size:.2g}" for row in rows}
    cases, mistakes = (
        list(dict.fromkeys(getattr(row, name) for row in rows)) for name in ("case", "mistake")
    )
    table = [
        (mistake, dtype, *(sizes[mistake, dtype, case] for case in cases))
        for mistake in mistakes
        for dtype in DTYPES
    ]
    return "\n".join([
        "# The smallest mistake that is detected", "",
        f"f, the worst of {formatting.counted(seeds, 'seed')} from {FIRST_SEED} on, in outputs of `numpy_manual`; on {machine()}. "
        "Made by `python -m tests.evidence.sensitivity`.", "",
        *formatting.table(("mistake", "dtype", *cases), table, "ll" + "l" * len(cases)),
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=AGREEMENT)
    options = parser.parse_args()
    rows = [row for dtype in DTYPES for one in CASES for row in worst(*one, dtype, options.seeds)]
    columns = ("case", "dtype", "mistake", "seen from")
    table = [(row.case, row.dtype, row.mistake, f"{row.size:.2g}") for row in rows]
    write_csv(options.out, "sensitivity", columns, table)
    write_page(options.out, "sensitivity", page(rows, options.seeds))


if __name__ == "__main__":
    main()
