"""What a rung's task gives for any arrays, asked of a process that holds one framework at one dtype.

``python -m tests.tutorials.answers FRAMEWORK DTYPE`` reads a line of JSON for each question, and answers it
with another. JAX's x64 and TensorFlow's threads are set once in the life of a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import Catalog
from samestep.frameworks import Settings
from samestep.spec import Inputs
from tests.made.places import CHECKOUT

CATALOG = Catalog()


def framework_of(rung: str) -> str:
    return rung.split("_")[0]


def rungs_of(workload: str, task: str) -> list[str]:
    """The rungs that offer the task."""
    return [rung.name for rung in CATALOG.implementations(workload) if task in CATALOG.tasks(rung)]


@cache
def _process(framework: str, dtype: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.tutorials.answers", framework, dtype]
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(workload: str, rung: str, dtype: str, task: str, **arrays: Any) -> dict[str, np.ndarray]:
    """Every output of the task by name, for these arrays and those of the workload's default case."""
    process = _process(framework_of(rung), dtype)
    assert process.stdin is not None
    assert process.stdout is not None
    question = [workload, rung, task, {name: np.asarray(a).tolist() for name, a in arrays.items()}]
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"{rung} gave no answer to {question}"
    return {name: np.array(values) for name, values in json.loads(line).items()}


def answer(adapter: Any, settings: Settings, question: list[Any]) -> Mapping[str, Any]:
    workload, rung, task, given = question
    spec = CATALOG.spec(workload)
    case = next(case for case in spec.cases.values() if case.default)
    made = spec.make_inputs(case, np.random.default_rng(0), None)
    arrays = {**made.arrays, **{name: np.array(values, float) for name, values in given.items()}}
    module = CATALOG.load(CATALOG.implementation(workload, rung))
    candidate = Candidate(module, adapter, settings, spec, case, Inputs(made.params, arrays))
    outputs, _ = candidate.run(Place(0, task), candidate.adopt(candidate.params))
    return {name: value.tolist() for name, value in outputs.items()}


def main(framework: str, dtype: str) -> None:
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what frameworks print goes to standard error
    settings = Settings(dtype=dtype, threads=1)
    adapter = CATALOG.load_adapter(framework).Adapter(settings)
    for line in sys.stdin:
        replies.write(json.dumps(answer(adapter, settings, json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
