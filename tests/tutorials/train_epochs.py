"""Trains one implementation on a case's whole data set, in a process of its own.

``python -m tests.tutorials.train_epochs workload:case/implementation [--save FILE] [--epochs N]`` prints
JSON: for each epoch the first loss and the mean loss of its batches, and then the results of ``evaluate`` on
the test images. The parameters that it ends with are saved in the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from samestep import open_cell, parameters
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from tests.tutorials.processes import answer_of, print_answer

#: Framework -> its rung for a whole epoch.
RUNGS = {
    "numpy": "numpy_manual",
    "torch": "torch_optim",
    "jax": "jax_scan",
    "tensorflow": "tensorflow_function",
}

Epochs = list[dict[str, float]]


def trained(selector: str, save: Path | None = None, epochs: int | None = None) -> Epochs:
    """Return the epochs of one implementation on a case, all or the first N, from the start that all have."""
    options = [*(["--save", str(save)] if save else []), *(["--epochs", str(epochs)] if epochs else [])]
    made: Epochs = answer_of("train_epochs", selector, *options)
    return made


def train(subject: Candidate, save: Path | None, count: int | None) -> Epochs:
    """Train for all epochs of the case, or the first N, and save the parameters."""
    state, epochs = subject.adopt(subject.params), []
    for number in range(count or subject.case.sizes["epochs"]):
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
    parser.add_argument("selector", help="workload:case/implementation")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--epochs", type=int)
    asked = parser.parse_args()
    print_answer(train(open_cell(asked.selector), asked.save, asked.epochs))
