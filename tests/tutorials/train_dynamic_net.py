"""Trains every dynamic_net implementation of one framework for all of the tutorial's steps.

``python -m tests.tutorials.train_dynamic_net FRAMEWORK`` prints JSON: {name: losses}, of every hundredth
step.
"""

from __future__ import annotations

import sys

from samestep import open_cell
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import Catalog
from tests.tutorials.processes import answer_of, print_answer

CASE, EVERY = "depth_3", 100

Curves = dict[str, list[float]]


def trained(framework: str) -> Curves:
    """Return the curve of each implementation, computed in a process of its own."""
    curves: Curves = answer_of("train_dynamic_net", framework)
    return curves


def main(framework: str) -> None:
    curves: Curves = {}
    for rung in Catalog().implementations("dynamic_net"):
        if rung.framework == framework:
            candidate = open_cell(f"dynamic_net:{CASE}/{rung.name}")
            outputs, _ = candidate.run(Place(0, "train"), candidate.adopt(candidate.params))
            curves[rung.name] = outputs["losses"][::EVERY].tolist()
    print_answer(curves)


if __name__ == "__main__":
    main(sys.argv[1])
