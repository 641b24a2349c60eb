"""On all of MNIST and Fashion-MNIST, where they are here: every framework learns what the tutorials print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from harness import data
from harness.catalog import Catalog
from harness.process import environment

TRAIN_EPOCHS = Path(__file__).parent / "train_epochs.py"
THREADS = 1  # batches are small: a second thread saves a fifth, and on a busy machine costs tenfold

#: Framework -> its rung for a whole epoch, the best first.
RUNGS = {
    "numpy": ("numpy_manual",),
    "torch": ("torch_optim", "torch_manual"),
    "jax": ("jax_scan",),
    "tensorflow": ("tensorflow_function",),
}

#: Test accuracy after each epoch, in percent, as the tutorial prints it: five epochs of plain gradient
#: descent from its own random start. By the fifth epoch the start is nearly forgotten.
PUBLISHED = (42.9, 54.7, 59.3, 62.6, 64.3)

Epochs = list[dict[str, float]]


@cache
def lacking(dataset: str) -> str | None:
    """Why a data set cannot be had; None where it is here, every byte right."""
    try:
        data.load(dataset)
    except data.DataMissing as error:
        return str(error)
    return None


@cache
def trained(case: str, framework: str) -> Epochs:
    """What one framework makes of a case, from the start and in the order that all have."""
    there = {rung.name for rung in Catalog().implementations("mnist_mlp")}
    rung = next(name for name in RUNGS[framework] if name in there)
    done = subprocess.run(
        [sys.executable, TRAIN_EPOCHS, f"mnist_mlp:{case}/{rung}", str(THREADS)],
        env={**os.environ, **environment("cpu", THREADS)}, capture_output=True, text=True, timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def here(dataset: str) -> None:
    reason = lacking(dataset)
    if reason:
        pytest.skip(reason)


@pytest.mark.parametrize("framework", RUNGS)
def test_the_first_epoch_on_mnist_has_the_published_loss(framework, need):
    here("mnist")
    need(framework)
    (epoch,) = trained("mnist", framework)
    assert 0.85 <= epoch["mean_loss"] <= 0.95


@pytest.mark.parametrize("framework", RUNGS)
def test_five_epochs_on_fashion_reach_the_published_accuracy(framework, need):
    here("fashion")
    need(framework)
    epochs = trained("fashion", framework)
    for number, (epoch, published) in enumerate(zip(epochs, PUBLISHED, strict=True), start=1):
        print(f"{framework}, epoch {number}: {epoch['accuracy_percent']:.2f} % (published: {published} %)")
    assert abs(epochs[-1]["accuracy_percent"] - PUBLISHED[-1]) <= 3


def test_all_frameworks_reach_the_same_accuracy_on_fashion(catalog):
    here("fashion")
    present = [framework for framework in RUNGS if not catalog.missing(framework)]
    if len(present) < 2:
        pytest.skip(f"only {present[0]} is installed")
    reached = {framework: trained("fashion", framework)[-1]["accuracy_percent"] for framework in present}
    print(reached)
    assert max(reached.values()) - min(reached.values()) <= 0.3
