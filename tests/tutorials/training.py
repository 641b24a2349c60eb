"""What the rungs of one framework train to from where a case starts, as JSON on standard output.

``python -m tests.tutorials.training FRAMEWORK DTYPE WORKLOAD ASKS``, in a process of its own: JAX's x64 and
TensorFlow's threads are set once in the life of a process. ASKS is a JSON list of [case, task, steps].
"""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.reference.run import Reference
from samestep.catalog.catalog import REFERENCE, Catalog
from samestep.frameworks import Settings
from tests.made.places import CHECKOUT, VALUES
from tests.made.planting import case_values

CATALOG = Catalog()
# Decimal keeps the digits as they are printed.
PUBLISHED = json.loads((VALUES / "tutorial_values.json").read_text(encoding="utf-8"), parse_float=Decimal)
PRINTABLE = 100  # arrays of more elements are not handed over

Ask = tuple[str, str, int]  # case, task, number of steps


def rungs(workload: str, task: str = "train") -> list[str]:
    """The names of those that offer the task."""
    return [rung.name for rung in CATALOG.implementations(workload) if task in rung.bound]


class Trained:
    """A workload's rungs after so many steps: each framework plays all asks in one process."""

    def __init__(self, workload: str, *asks: Ask) -> None:
        self.workload = workload
        self.asks = asks
        self.played: dict[tuple[str, str], dict[str, list[Any]]] = {}

    def __call__(self, rung: str, dtype: str, *ask: Any) -> Values:
        """``losses`` before each step, the first ``grad_*``, and the params after the last step."""
        key = framework, _ = rung.split("_")[0], dtype
        if key not in self.played:
            command = [sys.executable, "-W", "ignore", "-m", "tests.tutorials.training"]
            command += [framework, dtype, self.workload, json.dumps(self.asks)]
            done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            self.played[key] = json.loads(done.stdout)
        seen = self.played[key][rung][self.asks.index(ask)]
        return {name: np.array(value) for name, value in seen.items()}


@cache
def reference_at(workload: str, case: str, dtype: str, steps: int) -> tuple[Reference, Any]:
    """The reference, and where its ``train`` of so many steps starts."""
    module = CATALOG.load(CATALOG.implementation(workload, REFERENCE))
    reference = Reference(module, CATALOG.spec(workload), dtype)
    return reference, case_values(CATALOG, workload, case, dtype, steps=steps)


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
    settings = Settings(dtype=dtype, threads=1)
    adapter = CATALOG.load_adapter(framework).Adapter(settings)
    spec = CATALOG.spec(workload)
    played: dict[str, list[Any]] = {}
    for rung in CATALOG.implementations(workload):
        if rung.framework != framework:
            continue
        module, played[rung.name] = CATALOG.load(rung), []
        for name, task, count in json.loads(asks):
            case, seen = spec.cases[name], {}
            if task in rung.bound:
                inputs = spec.make_inputs(case, np.random.default_rng(0), None)
                seen = play(Candidate(module, adapter, settings, spec, case, inputs), task, count)
            shown = {k: v.tolist() for k, v in seen.items() if v.size <= PRINTABLE or k == "losses"}
            played[rung.name].append(shown)
    sys.stdout.write(json.dumps(played))


if __name__ == "__main__":
    main(*sys.argv[1:])
