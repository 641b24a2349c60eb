"""What the JAX engine costs: exact run and replicas over one jitted float32 step, on small networks.

    python -m tests.evidence.jax_engine_speed [NET ...]

Times are this process's CPU time with one thread, the smallest of several; the exact run is that of a second
program, after NumPy and JAX have warmed up.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Sequence
from time import process_time

import jax
import numpy as np

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from tests.agreement.arithmetic.jaxpr.nets import SPEED

REPEATS = 20


def smallest(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the smallest CPU time of a call, in seconds."""
    times = []
    for _ in range(repeats):
        start = process_time()
        call()
        times.append(process_time() - start)
    return min(times)


def measured(name: str) -> str:
    """Return a net's row of the table."""
    function, args = SPEED[name](np.random.default_rng(0))
    weights = sum(np.size(leaf) for leaf in jax.tree_util.tree_leaves(args[0]))
    step = jax.jit(function)
    jax.block_until_ready(step(*args))
    one = smallest(lambda: jax.block_until_ready(step(*args)))
    JaxProgram(function, args).exact()
    programs = [JaxProgram(function, args) for _ in range(3)]
    exact = smallest(lambda: programs.pop().exact(), len(programs))
    program = JaxProgram(function, args)
    start = process_time()
    program.replica(0)
    written = process_time() - start - exact
    seeds = iter(range(1, 10**6))
    replica = smallest(lambda: program.replica(next(seeds)))
    return (
        f"{name:12s} {weights:10,d} {one * 1e3:10.2f} {exact / one:10.1f} {replica / one:10.1f}"
        f" {written * 1e3:12.0f}"
    )


def main(names: Sequence[str]) -> None:
    """Print the table."""
    print(
        f"{'net':12s} {'weights':>10s} {'step (ms)':>10s} {'exact':>10s} {'replica':>10s} {'tape (ms)':>12s}"
    )
    for name in names or SPEED:
        print(measured(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
