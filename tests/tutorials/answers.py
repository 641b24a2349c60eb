"""What the task of an implementation gives for any arrays, asked of a process with one framework and dtype.

``python -m tests.tutorials.answers FRAMEWORK DTYPE`` reads a line of JSON for each question, and answers it
with another. JAX's x64 and TensorFlow's threads are set once in the life of a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np

from samestep import open_cell
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import Catalog
from samestep.spec import Inputs
from tests.made.places import CHECKOUT
from tests.tutorials.published import framework_of

CATALOG = Catalog()


def rungs_of(workload: str, task: str) -> list[str]:
    """Return the implementations that offer a task."""
    return [rung.name for rung in CATALOG.implementations(workload) if task in CATALOG.tasks(rung)]


@cache
def _process(framework: str, dtype: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.tutorials.answers", framework, dtype]
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(workload: str, rung: str, dtype: str, task: str, **arrays: Any) -> dict[str, np.ndarray]:
    """Return every output of a task by name, for these arrays and otherwise those of the default case."""
    process = _process(framework_of(rung), dtype)
    assert process.stdin is not None
    assert process.stdout is not None
    question = [workload, rung, task, {name: np.asarray(a).tolist() for name, a in arrays.items()}]
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"{rung} gave no answer to {question}"
    return {name: np.array(values) for name, values in json.loads(line).items()}


def answer(dtype: str, question: list[Any]) -> dict[str, Any]:
    """Return the outputs that a question asks for, as lists."""
    workload, rung, task, given = question
    (case,) = [name for name, case in CATALOG.spec(workload).cases.items() if case.default]
    made = open_cell(f"{workload}:{case}/{rung}", dtype=dtype)
    arrays = {**made.arrays, **{name: np.array(values, float) for name, values in given.items()}}
    candidate = made.on(Inputs(made.params, arrays))
    outputs, _ = candidate.run(Place(0, task), candidate.adopt(candidate.params))
    return {name: value.tolist() for name, value in outputs.items()}


def main(framework: str, dtype: str) -> None:
    """Answer each line of standard input; ``framework`` names the process in a list of processes."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what frameworks print goes to standard error
    for line in sys.stdin:
        replies.write(json.dumps(answer(dtype, json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
