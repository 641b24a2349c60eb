"""The reference, run in float64 on the very values that the candidate had, in several arithmetics.

`Reference.exact` gives values, `bounds` the certificate, `spreads` what honest rounding does, `lowered` what
another arithmetic would give, and `as_it_is` what becomes of complex numbers, for the proof of derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.bound import Bound, TF32Bound
from samestep.agreement.arithmetic.low_precision import Lowered, Manner, manner
from samestep.agreement.arithmetic.noise import Ledger, Noise, TF32Noise
from samestep.agreement.reference.spread import Spread, spreads
from samestep.spec import Spec

Values = Mapping[str, np.ndarray]
Bounds = dict[str, Bound]


@dataclass(frozen=True)
class Point:
    """Where a task is called: params (optimiser state too) and arrays as the candidate has them, numbers."""

    params: Values
    arrays: Values
    numbers: Mapping[str, float | int]

    def at(self, params: Values) -> Point:
        return replace(self, params=params)

    def first(self, steps: str | None, count: int = 1) -> Point:
        """Of a task of many steps, named ``steps`` in its spec, the first ones."""
        if steps is None:
            return self
        if steps in self.numbers:
            return replace(self, numbers={**self.numbers, steps: count})
        return replace(self, arrays={**self.arrays, steps: self.arrays[steps][:count]})


@dataclass(frozen=True)
class Outcome:
    """What a task gave: outputs and gradients by name, and the new params (empty where it has no state)."""

    outputs: dict[str, Any]
    state: dict[str, Any]

    @property
    def all(self) -> dict[str, Any]:
        return {**self.outputs, **self.state}


class Reference:
    """``numpy_manual`` of a workload, for candidates in ``dtype`` whose products are in ``matmul``."""

    def __init__(self, module: ModuleType, spec: Spec, dtype: str, matmul: str = "float32") -> None:
        self.module = module
        self.spec = spec
        self.dtype = dtype
        self.precision = np.dtype(dtype)
        self.tf32 = matmul == "tf32" and dtype == "float32"

    def offers(self, function: str) -> bool:
        return callable(getattr(self.module, function, None))

    def first(self, task: str, point: Point, count: int = 1) -> Point:
        """Where the first ``count`` steps of a task are called; the same, where it makes one or none."""
        return point if task == "trace" else point.first(self.spec.tasks[task].steps, count)

    def exact(self, task: str, point: Point) -> Outcome:
        """In float64."""
        outcome = self._run(task, point, _wide, lambda number: number)
        return Outcome(
            {name: np.asarray(value) for name, value in outcome.outputs.items()},
            {name: np.asarray(value) for name, value in outcome.state.items()},
        )

    def bounds(self, task: str, point: Point) -> Outcome:
        """With a bound on what any honest computation may differ by."""
        kind = TF32Bound if self.tf32 else Bound

        def lift(value: Any) -> Bound:
            return value if isinstance(value, Bound) else kind.exact(value, self.precision)

        return self._lifted(task, point, lift, lambda number: kind.rounded(number, self.precision))

    def spreads(self, task: str, point: Point, replicas: int) -> dict[str, Spread]:
        """How honest computations scatter; nothing for integers."""
        kind = TF32Noise if self.tf32 else Noise

        def run(ledger: Ledger) -> dict[str, Noise]:
            def lift(value: Any) -> Noise:
                return value if isinstance(value, Noise) else kind.exact(value, ledger)

            return self._lifted(task, point, lift, lambda number: kind.rounded(number, ledger)).all

        return spreads(run, point.params, self.dtype, replicas)

    def as_it_is(self, task: str, point: Point) -> Outcome:
        """On the numbers of the point, of whatever kind they are."""
        return self._run(task, point, _as_it_is, float)

    def products(self, task: str, point: Point) -> int:
        """How many matrix products a task makes."""
        counting = Manner()
        like = Lowered((), counting)
        self._run(task, point, like.lift, like.lift)
        return counting.products

    def lowered(self, task: str, point: Point, name: str, only: int | None = None) -> Outcome:
        """In another arithmetic, by its name in `samestep.agreement.arithmetic.low_precision`; "float32" is NumPy's own."""
        if name == "float32":
            return self._run(task, point, _narrow, _as_it_is)
        like = Lowered((), manner(name, only))

        def lift(value: Any) -> Lowered:
            return value if isinstance(value, Lowered) else like.lift(value)

        outcome = self._lifted(task, point, lift, like.lift)
        return Outcome(
            {name: lowered.parts[0] for name, lowered in outcome.outputs.items()},
            {name: lowered.parts[0] for name, lowered in outcome.state.items()},
        )

    def _lifted(
        self, task: str, point: Point, lift: Callable[[Any], Any], number: Callable[[float], Any]
    ) -> Outcome:
        outcome = self._run(task, point, lift, number)
        return Outcome(
            {name: lift(value) for name, value in outcome.outputs.items()},
            {name: lift(value) for name, value in outcome.state.items()},
        )

    def _run(
        self, task: str, point: Point, lift: Callable[[Any], Any], number: Callable[[float], Any]
    ) -> Outcome:
        """Call a task, or ``trace``, on lifted arrays and numbers; an int stays as it is."""
        inputs = self.spec.tasks["loss_and_grads" if task == "trace" else task].inputs
        arguments = [
            lift(point.arrays[name]) if name in point.arrays
            else number(point.numbers[name]) if isinstance(point.numbers[name], float)
            else point.numbers[name]
            for name in inputs
        ]  # fmt: skip
        with np.errstate(all="ignore"):
            state = self.module.adopt({name: lift(value) for name, value in point.params.items()})
            returned = getattr(self.module, task)(state, *arguments)
            if task == "trace":
                return Outcome(dict(returned), {})
            outputs = self.spec.tasks[task].outputs
            named = dict(zip(outputs, returned if len(outputs) > 1 else (returned,), strict=True))
            new = self.module.export(named.pop("state")) if "state" in named else {}
        grads = named.pop("grads", {})
        return Outcome({**named, **{f"grad_{name}": grad for name, grad in grads.items()}}, dict(new))


def _wide(value: Any) -> np.ndarray:
    """A copy in float64; integers keep their type."""
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array.copy()


def _narrow(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "f" else array.copy()


def _as_it_is(value: Any) -> Any:
    return value
