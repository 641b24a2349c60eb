"""Real float32 results against a program's replicas, by the scheme's own limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from samestep.agreement.limits import FLOOR, NORM, elementwise_limit

REPLICAS = 24

#: XLA compiles in half the time, and computes the same operations.
FAST = {"xla_backend_optimization_level": 0}


def real(function: Callable[..., Any], *args: Any) -> Any:
    """Return the results of a function compiled by XLA, in its own dtypes."""
    return jax.jit(function).lower(*args).compile(compiler_options=FAST)(*args)


def operands_of(entry: Any) -> tuple[Any, ...]:
    """Return an entry of a table, a function with its operands, or a function alone, as a tuple."""
    return entry if isinstance(entry, tuple) else (entry,)


def leaves(function: Callable[..., Any], operands: Any) -> dict[int, Any]:
    """Return the results of a function by number."""
    return dict(enumerate(jax.tree_util.tree_leaves(function(*operands))))


def compiled_at_once(table: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """Return the real results of all functions of a table: XLA compiles them together in less time."""
    functions = {name: operands_of(entry)[0] for name, entry in table.items()}
    every = {name: operands_of(entry)[1:] for name, entry in table.items()}
    return real(lambda every: {name: leaves(functions[name], every[name]) for name in functions}, every)


def program_of(function: Callable[..., Any], operands: Any) -> JaxProgram:
    """Return the program of a function whose results are known by number."""
    return JaxProgram(lambda *xs: leaves(function, xs), operands)


@dataclass
class Seen:
    """How far one tensor is from the exact one, in sigma, and by norm; and whether it was seen to round."""

    element: float
    norm: float
    rounds: bool


def sigma_of(program, replicas: int = REPLICAS) -> dict[str, np.ndarray]:
    """The rms error of each tensor's elements over the replicas."""
    exact = program.exact()
    squares = {key: np.zeros(np.shape(value)) for key, value in exact.items()}
    for seed in range(replicas):
        for key, value in program.replica(seed).items():
            with np.errstate(invalid="ignore"):
                error = np.asarray(value, np.float64) - np.asarray(exact[key], np.float64)
            squares[key] += np.where(np.isfinite(error), error, 0) ** 2
    return {key: np.sqrt(value / replicas) for key, value in squares.items()}


def seen(program, got: Mapping[str, object], replicas: int = REPLICAS, known=None) -> dict[str, Seen]:
    """Each tensor of a real run beside the program's, whose sigma may be known."""
    exact, found = program.exact(), {}
    for key, sigma in (known or sigma_of(program, replicas)).items():
        real, ideal = np.asarray(got[key], np.float64), np.asarray(exact[key], np.float64)
        finite = np.isfinite(ideal)
        assert np.array_equal(real[~finite], ideal[~finite], equal_nan=True), key
        error, sigma = np.abs(real - ideal)[finite], sigma[finite]
        floor = np.sqrt(np.mean(sigma**2)) * FLOOR if sigma.size else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            element = np.where(error == 0, 0, error / np.maximum(sigma, floor))
            norm = np.linalg.norm(error) / np.linalg.norm(sigma) if error.any() else 0.0
        found[key] = Seen(float(element.max(initial=0)), float(norm), bool(sigma.any()))
    return found


def assert_honest(program, got: Mapping[str, object], rounds: bool = True, known=None) -> None:
    """Fail where a real float32 result is beyond a limit, or where nothing was seen to round."""
    found = seen(program, got, known=known)
    for key, one in found.items():
        assert one.element <= elementwise_limit(REPLICAS), (key, one)
        assert one.norm <= NORM or np.size(got[key]) < 500, (key, one)
    assert not rounds or any(one.rounds for one in found.values())
