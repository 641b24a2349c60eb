"""Trains one implementation on a case's whole data set, in a process of its own, and says how it went.

``python tests/train_epochs.py workload:case/implementation [threads]`` prints JSON: of each epoch the mean
loss of its batches, and after it what ``evaluate`` says of the test images.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from harness.agreement.candidate import Candidate
from harness.agreement.compare import Place
from harness.catalog import Catalog
from harness.data import load
from harness.frameworks import Settings
from harness.selection import Selector


def candidate(selector: Selector, threads: int) -> Candidate:
    catalog, settings = Catalog(), Settings(threads=threads)
    rung = catalog.implementation(selector.workload, selector.implementation)
    spec = catalog.spec(selector.workload)
    case = spec.cases[str(selector.case)]
    inputs = spec.make_inputs(case, np.random.default_rng(0), load(str(case.dataset)))
    adapter = catalog.load_adapter(rung.framework).Adapter(settings)
    return Candidate(catalog.load(rung), adapter, settings, spec, case, inputs)


def train(subject: Candidate) -> list[dict[str, float]]:
    state, epochs = subject.adopt(subject.params), []
    for number in range(subject.case.sizes["epochs"]):
        trained, state = subject.run(Place(number, "train_epoch"), state)
        tested, _ = subject.run(Place(number, "evaluate"), state)
        epochs.append(
            {
                "mean_loss": float(trained["losses"].mean(dtype="float64")),
                "test_loss": float(tested["mean_loss"]),
                "accuracy_percent": 100 * float(tested["correct"]) / subject.case.sizes["test"],
            }
        )
    return epochs


if __name__ == "__main__":
    epochs = train(candidate(Selector.parse(sys.argv[1]), int((*sys.argv, 1)[2])))
    print("\n" + json.dumps(epochs))  # on a line of its own, whatever a framework printed before
