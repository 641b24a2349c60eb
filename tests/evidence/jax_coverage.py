"""Which layers, functions and optimisers the JAX engine follows: ``python -m tests.evidence.jax_coverage``.

Each is made small and random and compared with itself: outputs, gradients of inputs and parameters, and of an
optimiser three steps. What abstains is listed by the name of what has no rule. Keras is run on its JAX
backend. Everything runs in one process, with one thread.
"""

from __future__ import annotations

import os

os.environ.update({"KERAS_BACKEND": "jax", "OMP_NUM_THREADS": "1"})

import argparse
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import samestep
from tests.evidence.jax_cases.case import Case
from tests.evidence.jax_cases.equinox_layers import of_equinox
from tests.evidence.jax_cases.flax_layers import linen, of_nnx
from tests.evidence.jax_cases.functions import jax_nn, of_optax
from tests.evidence.jax_cases.keras_layers import of_keras
from tests.evidence.ports.tables import write_table
from tests.made.places import CHECKOUT

LIBRARIES: dict[str, Callable[[], list[Case]]] = {
    "jax.nn": jax_nn, "flax.linen": linen, "flax.nnx": of_nnx, "equinox": of_equinox, "optax": of_optax,
    "keras": of_keras,
}  # fmt: skip

FILE = CHECKOUT / "results/models/coverage-jax.md"


@dataclass(frozen=True)
class Outcome:
    """What came of one case: the ``verdict``, or ``not run`` where it does not run as it is."""

    case: Case
    verdict: str
    reason: str
    tensors: int
    seconds: float


def examine(case: Case) -> Outcome:
    """Return what samestep says of a case against itself."""
    start = perf_counter()
    options: dict[str, object] = {}
    if case.optimizer is not None:
        options["optimizer"] = (case.optimizer(), case.optimizer())
    try:
        candidate, reference = case.make(), case.make()
        result = samestep.compare(candidate, reference, case.inputs, variants=False, replicas=8, **options)  # type: ignore[arg-type]
    except Exception as error:  # the library's own, or a refusal of the subject: it is listed by its words
        text = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        return Outcome(case, "not run", text, 0, perf_counter() - start)
    reason = "" if result.verdict == "agree" else " ".join(str(result).splitlines()[0].split())[:160]
    return Outcome(case, result.verdict, reason, len(result.judged), perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of 'library name' to run; nothing is written then")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    outcomes = []
    for library, cases in LIBRARIES.items():
        if not options.only.startswith(tuple(LIBRARIES)) or options.only.startswith(library):
            for case in cases():
                if options.only in f"{case.library} {case.name}":
                    outcomes.append(examine(case))
                    last = outcomes[-1]
                    print(
                        f"{case.library:11s} {case.name:40s} {last.verdict:9s} {last.tensors:3d} "
                        f"{last.seconds:5.1f} {last.reason}",
                        flush=True,
                    )
    counts = Counter((outcome.case.library, outcome.verdict) for outcome in outcomes)
    said = ", ".join(f"{library} {verdict}: {n}" for (library, verdict), n in counts.items())
    intro = (
        f"{len(outcomes)} layers, functions and optimisers, small and random, each against itself, forward and "
        f"backward, 8 replicas: {said}."
    )
    print(intro)
    if not options.only:
        rows = [
            {"library": o.case.library, "what": o.case.name, "verdict": o.verdict, "tensors": o.tensors,
             "reason": o.reason.replace("|", "/")}
            for o in outcomes
        ]  # fmt: skip
        write_table(FILE, "Layers, functions and optimisers that the JAX engine follows", intro, rows)


if __name__ == "__main__":
    main()
