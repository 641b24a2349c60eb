"""What every rung of one framework computes on the published examples, as JSON on standard output.

``python -m tests.tutorials.play_rungs FRAMEWORK DTYPE``, in a process of its own: JAX's x64 and TensorFlow's
threads are set once in the life of a process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import numpy as np

from samestep.agreement.examination.candidate import Candidate, Values
from samestep.agreement.examination.tensor_check import Place
from samestep.catalog.catalog import Catalog, Implementation
from samestep.frameworks import Settings

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
    """Every tensor by name: before training, and ``after/…``."""
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


def rungs(catalog: Catalog, framework: str) -> Iterator[tuple[Implementation, str]]:
    for workload in WORKLOADS:
        for rung in catalog.implementations(workload):
            if rung.framework == framework:
                yield rung, CASE
                if workload == "manual_backprop" and rung.name == TRAINED[framework]:
                    yield rung, f"{CASE}_trained"


def main(framework: str, dtype: str) -> None:
    catalog, settings = Catalog(), Settings(dtype=dtype, threads=1)
    adapter = catalog.load_adapter(framework).Adapter(settings)
    played = {}
    for rung, name in rungs(catalog, framework):
        spec = catalog.spec(rung.workload)
        case = spec.cases[name]
        inputs = spec.make_inputs(case, np.random.default_rng(0), None)
        candidate = Candidate(catalog.load(rung), adapter, settings, spec, case, inputs)
        played[f"{rung.workload}:{name}/{rung.name}"] = {
            tensor: value.tolist() for tensor, value in play(candidate).items()
        }
    sys.stdout.write(json.dumps(played))


if __name__ == "__main__":
    main(*sys.argv[1:])
