"""Trains one implementation on a case's whole data set, in a process of its own, and says how it went.

``python -m tests.tutorials.train_epochs workload:case/implementation [--save FILE]`` prints JSON: of each epoch the
first loss and the mean loss of its batches, and after it what ``evaluate`` says of the test images. The
parameters that it ends with are saved in the file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from samestep import parameters
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Selector
from samestep.data import load
from samestep.frameworks import Settings
from samestep.workers.process import environment
from tests.made.places import CHECKOUT

THREADS = 1  # batches are small: a second thread saves a fifth, and on a busy machine costs tenfold

#: Framework -> its rung for a whole epoch.
RUNGS = {
    "numpy": "numpy_manual",
    "torch": "torch_optim",
    "jax": "jax_scan",
    "tensorflow": "tensorflow_function",
}

Epochs = list[dict[str, float]]


def trained(selector: str, save: Path | None = None) -> Epochs:
    """What one implementation makes of a case, from the start and in the order that all have."""
    command = [sys.executable, "-m", "tests.tutorials.train_epochs", selector]
    command += ["--save", str(save)] if save else []
    done = subprocess.run(
        command, cwd=CHECKOUT, env={**os.environ, **environment("cpu", THREADS)}, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    epochs: Epochs = json.loads(done.stdout.splitlines()[-1])
    return epochs


def candidate(selector: Selector) -> Candidate:
    catalog, settings = Catalog(), Settings(threads=THREADS)
    rung = catalog.implementation(selector.workload, selector.implementation)
    spec = catalog.spec(selector.workload)
    case = spec.cases[str(selector.case)]
    inputs = spec.make_inputs(case, np.random.default_rng(0), load(str(case.dataset)))
    adapter = catalog.load_adapter(rung.framework).Adapter(settings)
    return Candidate(catalog.load(rung), adapter, settings, spec, case, inputs)


def train(subject: Candidate, save: Path | None) -> Epochs:
    state, epochs = subject.adopt(subject.params), []
    for number in range(subject.case.sizes["epochs"]):
        trained, state = subject.run(Place(number, "train_epoch"), state)
        tested, _ = subject.run(Place(number, "evaluate"), state)
        epochs.append(
            {
                "first_loss": float(trained["losses"][0]),
                "mean_loss": float(trained["losses"].mean(dtype="float64")),
                "test_loss": float(tested["mean_loss"]),
                "accuracy_percent": 100 * float(tested["correct"]) / subject.case.sizes["test"],
            }
        )
    if save:
        parameters.save(save, subject.export(state))
    return epochs


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("selector", type=Selector.parse)
    parser.add_argument("--save", type=Path)
    asked = parser.parse_args()
    epochs = train(candidate(asked.selector), asked.save)
    print("\n" + json.dumps(epochs))  # on a line of its own, whatever a framework printed before
