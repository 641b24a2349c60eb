"""What the implementations of one framework train to from where a case starts, as JSON on standard output.

``python -m tests.tutorials.training FRAMEWORK DTYPE WORKLOAD ASKS``; ASKS is a JSON list of
[case, task, steps], where the task may be "one or another": then the first that an implementation offers.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

import numpy as np

from samestep import open_cell
from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.reference.run import Point, Reference
from samestep.catalog.catalog import Catalog
from samestep.catalog.ladder import Implementation
from tests.made.planting import case_values, reference_of
from tests.tutorials.processes import answer_of, print_answer

CATALOG = Catalog()
PRINTABLE = 100  # arrays of more elements are not handed over

Ask = tuple[str, str, int]  # case, task, number of steps


def offered(task: str, rung: Implementation) -> str | None:
    """Return the first of the tasks of "one or another" that an implementation offers."""
    return next((name for name in task.split(" or ") if name in rung.bound), None)


def rungs(workload: str, task: str = "train") -> list[str]:
    """Return the names of the implementations that offer a task, or one of several."""
    return [rung.name for rung in CATALOG.implementations(workload) if offered(task, rung)]


class Trained:
    """A workload's implementations after N steps: each framework plays all asks in one process."""

    def __init__(self, workload: str, *asks: Ask) -> None:
        self.workload = workload
        self.asks = asks
        self.played: dict[tuple[str, str], dict[str, list[Any]]] = {}

    def __call__(self, rung: str, dtype: str, *ask: Any) -> Values:
        """Return ``losses`` before each step, the first ``grad_*``, and the params after the last step."""
        key = rung.split("_")[0], dtype
        if key not in self.played:
            self.played[key] = answer_of("training", *key, self.workload, json.dumps(self.asks))
        seen = self.played[key][rung][self.asks.index(ask)]
        return {name: np.array(value) for name, value in seen.items()}


@cache
def reference_at(workload: str, case: str, dtype: str, steps: int) -> tuple[Reference, Point]:
    """Return the reference, and where its ``train`` of N steps starts."""
    return reference_of(CATALOG, workload, dtype), case_values(CATALOG, workload, case, dtype, steps=steps)


def play(candidate: Candidate, task: str, count: int) -> Values:
    state = candidate.adopt(candidate.params)
    seen = candidate.run(Place(0, "loss_and_grads"), state)[0]
    if candidate.spec.tasks[task].steps:
        outputs, state = candidate.run(Place(0, task), state, steps=count)
        losses = outputs["losses"]
    else:
        single = []
        for step in range(count):
            outputs, state = candidate.run(Place(step, task), state)
            single.append(outputs["loss"])
        losses = np.stack(single)
    del seen["loss"]
    return seen | {"losses": losses} | candidate.export(state)


def main(framework: str, dtype: str, workload: str, asks: str) -> None:
    played: dict[str, list[Any]] = {}
    for rung in CATALOG.implementations(workload):
        if rung.framework != framework:
            continue
        played[rung.name] = []
        for case, task, count in json.loads(asks):
            seen: Values = {}
            if one := offered(task, rung):
                seen = play(open_cell(f"{workload}:{case}/{rung.name}", dtype=dtype), one, count)
            shown = {k: v.tolist() for k, v in seen.items() if v.size <= PRINTABLE or k == "losses"}
            played[rung.name].append(shown)
    print_answer(played)


if __name__ == "__main__":
    main(*sys.argv[1:])
