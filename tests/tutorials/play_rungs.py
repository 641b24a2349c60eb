"""What every rung of one framework computes on the published examples, as JSON on standard output.

``python -m tests.tutorials.play_rungs FRAMEWORK DTYPE``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from samestep import open_cell
from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import Catalog
from tests.tutorials.processes import print_answer

WORKLOADS = ("manual_backprop", "linear_output", "scalar_relu")
CASE = "worked_example"
# Ten thousand steps: one rung a framework is enough, and these make them in one call.
TRAINED = {
    "numpy": "numpy_manual",
    "sympy": "sympy_symbolic",
    "torch": "torch_manual",
    "tensorflow": "tensorflow_custom_gradient",
    "jax": "jax_grad",
}


def play(candidate: Candidate) -> Values:
    """Return every tensor by name: before training, and ``after/…``."""
    state = candidate.adopt(candidate.params)
    seen: Values = {}
    if candidate.offers("trace"):
        traced = candidate.trace(Place(0, "trace"), state)
        seen |= {f"trace/{name}": value for name, value in traced.items()}
    for task in ("forward", "loss_and_grads"):
        seen |= candidate.run(Place(0, task), state)[0]
    losses, state = candidate.run(Place(0, "train"), state)
    seen |= losses | {f"after/{name}": value for name, value in candidate.export(state).items()}
    for task in ("forward", "loss_and_grads"):
        after = candidate.run(Place(0, task), state)[0]
        seen |= {f"after/{name}": value for name, value in after.items()}
    return seen


def selectors(framework: str) -> Iterator[str]:
    """Return the cells of one framework that are played."""
    catalog = Catalog()
    for workload in WORKLOADS:
        for rung in catalog.implementations(workload):
            if rung.framework == framework:
                yield f"{workload}:{CASE}/{rung.name}"
                if workload == "manual_backprop" and rung.name == TRAINED[framework]:
                    yield f"{workload}:{CASE}_trained/{rung.name}"


def main(framework: str, dtype: str) -> None:
    played = {}
    for selector in selectors(framework):
        tensors = play(open_cell(selector, dtype=dtype))
        played[selector] = {name: value.tolist() for name, value in tensors.items()}
    print_answer(played)


if __name__ == "__main__":
    main(*sys.argv[1:])
