"""Carries parameters from one framework to another, one framework to a process.

``python -m tests.tutorials.carry_weights write FRAMEWORK FOLDER``: every mnist_mlp implementation of it makes
two training steps and saves what it exports as FOLDER/<name>.safetensors. ``read FRAMEWORK FOLDER``: every
implementation of it loads every file, and JSON on standard output is {name: {file: answer}}. An answer has
``differ``, the exported parameters that are not the file's bit for bit; ``same``, how many of the first test
images get the class that the reference gives them; and ``classes``, where there is a ``forward``.

The network is the fashion case's; --dataset names the data set whose images it is shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from samestep import data, open_cell, parameters
from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import REFERENCE, Catalog
from samestep.spec import Inputs
from tests.tutorials.processes import answer_of, print_answer

WORKLOAD, CASE = "mnist_mlp", "fashion"
SHOWN = 100  # images

Answers = dict[str, dict[str, dict[str, Any]]]


def carry(
    action: str, framework: str, folder: Path, dataset: str = "mnist_sample", **options: str
) -> Answers:
    """Return what the process answers; nothing from ``write``."""
    more = [part for name, value in options.items() for part in (f"--{name}", value)]
    answers: Answers = answer_of("carry_weights", action, framework, str(folder), "--dataset", dataset, *more)
    return answers


@cache
def images(dataset: str, dtype: str) -> np.ndarray:
    """Return the first test images, normalised as the case asks for."""
    numbers = Catalog().spec(WORKLOAD).cases[CASE].numbers
    pixels = data.load(dataset)["test_images"][:SHOWN].astype(dtype)
    return (pixels / 255 - numbers["mean"]) / numbers["std"]


@cache
def classes(file: Path, dataset: str) -> np.ndarray:
    """Return the classes that the reference gives, with the parameters of a file."""
    reference, params = Catalog().load(Catalog().implementation(WORKLOAD, REFERENCE)), parameters.load(file)
    logits = reference.forward(reference.adopt(params), images(dataset, params["w1"].dtype.name))
    return logits.argmax(axis=1).astype(np.int32)


def candidates(framework: str, dataset: str) -> Iterator[tuple[str, Candidate]]:
    """Return each implementation of a framework with parameters of its own, shown a data set's images."""
    catalog = Catalog()
    spec = catalog.spec(WORKLOAD)
    loaded = data.load(dataset)
    shown = {"test_images": loaded["test_images"][:SHOWN]}
    for rung in catalog.implementations(WORKLOAD):
        if rung.framework == framework:
            mine = np.random.default_rng(list(rung.name.encode()))  # each has a start of its own to save
            inputs = spec.make_inputs(spec.cases[CASE], mine, loaded)
            inputs = Inputs(inputs.params, {**inputs.arrays, **shown})
            yield rung.name, open_cell(f"{WORKLOAD}:{CASE}/{rung.name}", inputs=inputs)


def write(candidate: Candidate, file: Path) -> None:
    """Save the parameters after two steps; of an implementation that trains nothing, those that it took."""
    state = candidate.adopt(candidate.params)
    for task in candidate.training_tasks()[:1]:
        for step in range(2):
            _, state = candidate.run(Place(step, task), state, steps=1)
    parameters.save(file, candidate.export(state))


def read(candidate: Candidate, file: Path, dataset: str) -> dict[str, Any]:
    params = parameters.load(file)
    mine = candidate.on(Inputs(params, {**candidate.arrays, "test_labels": classes(file, dataset)}))
    state = mine.adopt(params)
    answer: dict[str, Any] = {"differ": differing(mine.export(state, params), params)}
    if mine.offers("forward"):
        shown = mine.on(Inputs(params, {**mine.arrays, "x": images(dataset, "float32")}))
        logits = shown.run(Place(0, "forward"), state)[0]["logits"]
        answer["classes"] = logits.argmax(axis=1).tolist()
        answer["same"] = int((logits.argmax(axis=1) == mine.arrays["test_labels"]).sum())
    if mine.offers("evaluate"):
        answer["same"] = int(mine.run(Place(0, "evaluate"), state)[0]["correct"])
    return answer


def differing(got: Values, expected: Values) -> list[str]:
    """Return the names of parameters that are not the same bytes."""
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
    print_answer(answers)
