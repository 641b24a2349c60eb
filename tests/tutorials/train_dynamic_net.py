"""Trains every dynamic_net rung of one framework for all of the tutorial's steps, in a process of its own.

``python -m tests.tutorials.train_dynamic_net FRAMEWORK`` prints JSON: {rung: the loss at every hundredth step}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import Catalog
from samestep.frameworks import Settings
from samestep.workers.process import environment
from tests.made.places import CHECKOUT

CASE, EVERY = "depth_3", 100

Curves = dict[str, list[float]]


def trained(framework: str) -> Curves:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tutorials.train_dynamic_net", framework], cwd=CHECKOUT,
        env={**os.environ, **environment("cpu", 1)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    curves: Curves = json.loads(done.stdout.splitlines()[-1])
    return curves


def main(framework: str) -> Curves:
    catalog, settings = Catalog(), Settings(threads=1)
    adapter = catalog.load_adapter(framework).Adapter(settings)
    spec = catalog.spec("dynamic_net")
    inputs = spec.make_inputs(spec.cases[CASE], np.random.default_rng(0), None)
    curves: Curves = {}
    for rung in catalog.implementations("dynamic_net"):
        if rung.framework == framework:
            mine = Candidate(catalog.load(rung), adapter, settings, spec, spec.cases[CASE], inputs)
            outputs, _ = mine.run(Place(0, "train"), mine.adopt(mine.params))
            curves[rung.name] = outputs["losses"][::EVERY].tolist()
    return curves


if __name__ == "__main__":
    print("\n" + json.dumps(main(sys.argv[1])))  # on a line of its own, whatever was printed before
