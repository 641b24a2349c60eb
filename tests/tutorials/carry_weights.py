"""Carries parameters from one framework to another, one framework to a process.

``python -m tests.tutorials.carry_weights write FRAMEWORK FOLDER``: every mnist_mlp rung of it makes two training steps
and saves what it exports as FOLDER/<rung>.safetensors. ``read FRAMEWORK FOLDER``: every rung of it loads
every file, and JSON on standard output says {rung: {file: answer}}: ``differ``, the exported parameters that
are not the file's bit for bit; ``same``, how many of the first test images it gives to the class that the
reference gives them to; and ``classes``, to which (of a rung that has ``forward``).

The network is the fashion case's; --dataset says whose images it is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from samestep import data, parameters
from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import REFERENCE, Catalog
from samestep.frameworks import Settings
from samestep.spec import Inputs
from samestep.workers.process import environment
from tests.made.places import CHECKOUT

WORKLOAD, CASE = "mnist_mlp", "fashion"
SHOWN = 100  # images

Answers = dict[str, dict[str, dict[str, Any]]]


def carry(
    action: str, framework: str, folder: Path, dataset: str = "mnist_sample", **options: str
) -> Answers:
    """What the process answers; nothing from ``write``."""
    command = [
        sys.executable,
        "-m",
        "tests.tutorials.carry_weights",
        action,
        framework,
        str(folder),
        "--dataset",
        dataset,
    ]
    command += [part for name, value in options.items() for part in (f"--{name}", value)]
    done = subprocess.run(
        command, cwd=CHECKOUT, env={**os.environ, **environment("cpu", 1)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: Answers = json.loads(done.stdout.splitlines()[-1])
    return answers


@cache
def images(dataset: str, dtype: str) -> np.ndarray:
    """The first test images, normalised as the case says."""
    numbers = Catalog().spec(WORKLOAD).cases[CASE].numbers
    pixels = data.load(dataset)["test_images"][:SHOWN].astype(dtype)
    return (pixels / 255 - numbers["mean"]) / numbers["std"]


@cache
def classes(file: Path, dataset: str) -> np.ndarray:
    """Those of the reference with the parameters of a file."""
    reference, params = Catalog().load(Catalog().implementation(WORKLOAD, REFERENCE)), parameters.load(file)
    logits = reference.forward(reference.adopt(params), images(dataset, params["w1"].dtype.name))
    return logits.argmax(axis=1).astype(np.int32)


def candidates(framework: str, dataset: str) -> Iterator[tuple[str, Candidate]]:
    catalog, settings = Catalog(), Settings(threads=1)
    adapter = catalog.load_adapter(framework).Adapter(settings)
    spec = catalog.spec(WORKLOAD)
    shown = {"test_images": data.load(dataset)["test_images"][:SHOWN]}
    for rung in catalog.implementations(WORKLOAD):
        if rung.framework == framework:
            mine = np.random.default_rng(list(rung.name.encode()))  # each has a start of its own to save
            inputs = spec.make_inputs(spec.cases[CASE], mine, data.load(dataset))
            inputs = Inputs(inputs.params, {**inputs.arrays, **shown})
            module = catalog.load(rung)
            yield rung.name, Candidate(module, adapter, settings, spec, spec.cases[CASE], inputs)


def write(candidate: Candidate, file: Path) -> None:
    state = candidate.adopt(candidate.params)
    for step in range(2):
        _, state = candidate.run(Place(step, candidate.training_tasks()[0]), state, steps=1)
    parameters.save(file, candidate.export(state))


def read(candidate: Candidate, file: Path, dataset: str) -> dict[str, Any]:
    params = parameters.load(file)
    mine = candidate.on(Inputs(params, {**candidate.arrays, "test_labels": classes(file, dataset)}))
    state = mine.adopt(params)
    answer: dict[str, Any] = {
        "differ": differing(mine.export(state, params), params),
        "same": int(mine.run(Place(0, "evaluate"), state)[0]["correct"]),
    }
    if mine.offers("forward"):
        shown = mine.on(Inputs(params, {**mine.arrays, "x": images(dataset, "float32")}))
        logits = shown.run(Place(0, "forward"), state)[0]["logits"]
        answer["classes"] = logits.argmax(axis=1).tolist()
    return answer


def differing(got: Values, expected: Values) -> list[str]:
    """The parameters that are not the same bytes."""
    return [name for name, value in expected.items() if got[name].tobytes() != value.tobytes()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["write", "read"])
    parser.add_argument("framework")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dataset", default="mnist_sample")
    asked = parser.parse_args()
    files = sorted(asked.folder.glob("*.safetensors"))
    answers: Answers = {}
    for name, candidate in candidates(asked.framework, asked.dataset):
        if asked.action == "write":
            write(candidate, asked.folder / f"{name}.safetensors")
        else:
            answers[name] = {file.stem: read(candidate, file, asked.dataset) for file in files}
    print("\n" + json.dumps(answers))  # on a line of its own, whatever a framework printed before
