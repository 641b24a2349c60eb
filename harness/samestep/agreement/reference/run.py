"""The reference, run in float64 on the very values that the candidate had, in several arithmetics.

`Reference.exact` gives the values, `bounds` the certificate, `spreads` what rounding does as a rule,
`with_arithmetic` what another arithmetic would give, and `on_complex` runs it on complex numbers, for the
check of the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from samestep.agreement.arithmetic.bound import Bound, TF32Bound
from samestep.agreement.arithmetic.complex_step import ComplexStep
from samestep.agreement.arithmetic.exactness import Exactness, Seen
from samestep.agreement.arithmetic.followed_code import followed
from samestep.agreement.arithmetic.low_precision import Arithmetic, LowPrecisionArray, arithmetic_named
from samestep.agreement.arithmetic.noise import Noise, NoiseTape, TF32Noise
from samestep.agreement.arithmetic.rounding_array import RoundingArray
from samestep.agreement.reference.spread import Spread, measure_spreads
from samestep.spec import Spec

Values = Mapping[str, np.ndarray]
Number = float | int
T = TypeVar("T")


@dataclass(frozen=True)
class Point:
    """The inputs of a call: ``params`` and ``arrays`` by name, and plain ``numbers``.

    Params include the optimiser's state; floating arrays are in the candidate's dtype.
    """

    params: Values
    arrays: Values
    numbers: Mapping[str, Number]

    def with_params(self, params: Values) -> Point:
        """Return the same inputs with other params."""
        return replace(self, params=params)

    def first_steps(self, steps: str | None, count: int = 1) -> Point:
        """Return the inputs of a call that makes the first ``count`` steps.

        ``steps`` is the input that counts them in the task's spec: a number, or an array with one row for
        each step. For None the point itself is returned.
        """
        if steps is None:
            return self
        if steps in self.numbers:
            return replace(self, numbers={**self.numbers, steps: count})
        return replace(self, arrays={**self.arrays, steps: self.arrays[steps][:count]})


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The results of a call: ``outputs`` and gradients by name, and the params of the new ``state``.

    The state is empty for a task that returns none.
    """

    outputs: dict[str, T]
    state: dict[str, T]

    @property
    def all(self) -> dict[str, T]:
        """Outputs and state together, by name."""
        return {**self.outputs, **self.state}


class Reference:
    """``numpy_manual`` of a workload, for candidates in ``dtype`` whose matrix products are in ``matmul``."""

    def __init__(self, module: ModuleType, spec: Spec, dtype: str, matmul: str = "float32") -> None:
        self.module = module
        self.spec = spec
        self.dtype = dtype
        self.precision = np.dtype(dtype)
        self.tf32 = matmul == "tf32" and dtype == "float32"

    def offers(self, function: str) -> bool:
        """Return whether the reference has this task, or ``trace``."""
        return callable(getattr(self.module, function, None))

    def first_steps(self, task: str, point: Point, count: int = 1) -> Point:
        """Return the inputs of the first ``count`` steps of a task.

        For a task that makes one step or none the point itself is returned.
        """
        return point if task == "trace" else point.first_steps(self.spec.tasks[task].steps, count)

    def exact(self, task: str, point: Point) -> Outcome[np.ndarray]:
        """Return what a task gives in float64; integers stay integers."""
        return _each(np.asarray, self._run(task, point, _to_float64, _unchanged))

    def bounds(self, task: str, point: Point) -> Outcome[Bound]:
        """Return what a task gives, with a bound on how far any correct computation may be from it.

        The bounds are in each tensor's own units. Raises
        `samestep.agreement.arithmetic.unknown_operation.UnknownOperation` for what has no rule.
        """
        kind = TF32Bound if self.tf32 else Bound

        def lift(value: npt.ArrayLike | Bound) -> Bound:
            return value if isinstance(value, Bound) else kind.exact(value, self.precision)

        like = kind.exact(0.0, self.precision)
        return self._lifted(task, point, lift, lambda number: kind.rounded(number, self.precision), like)

    def spreads(self, task: str, point: Point, replicas: int) -> dict[str, Spread]:
        """Return how correct computations scatter, measured over N ``replicas``; nothing for integers.

        Raises `samestep.agreement.arithmetic.unknown_operation.UnknownOperation` as `bounds` does.
        """
        kind = TF32Noise if self.tf32 else Noise
        return measure_spreads(
            lambda tape: self.with_noise(task, point, kind, tape).all, point.params, self.dtype, replicas
        )

    def with_noise(self, task: str, point: Point, kind: type[Noise], tape: NoiseTape) -> Outcome[Noise]:
        """Return what a task gives with the rounding errors of a tape, on arrays of this kind.

        Raises as `bounds` does.
        """

        def lift(value: npt.ArrayLike | Noise) -> Noise:
            return value if isinstance(value, Noise) else kind.exact(value, tape)

        like = kind.exact(0.0, tape)
        return self._lifted(task, point, lift, lambda number: kind.rounded(number, tape), like)

    def exactness(self, task: str, point: Point) -> tuple[Outcome[Exactness], Seen]:
        """Return which elements of what a task gives nothing rounds, and what was met on the way.

        Raises as `bounds` does.
        """
        like = Exactness((np.zeros(()), np.zeros(())), Seen())
        return self._lifted(task, point, like.lift, like.lift, like), like.seen

    def on_complex(self, task: str, point: Point) -> Outcome[np.ndarray]:
        """Return what a task gives where arrays of the point are complex: complex arrays, for real ones."""
        like = ComplexStep(0.0)
        return _each(lambda array: array.value, self._lifted(task, point, like.lift, float, like))

    def returned(self, task: str, point: Point) -> object:
        """Return what a task, or ``trace``, returns in float64, unsorted, whatever it is."""
        with np.errstate(all="ignore"):
            return self._called(task, point, _to_float64, _unchanged)

    def count_products(self, task: str, point: Point) -> int:
        """Return how many matrix products one call of a task makes."""
        counting = Arithmetic()
        self.on_arrays_like(task, point, LowPrecisionArray((), counting))
        return counting.products

    def with_arithmetic(
        self, task: str, point: Point, name: str, only: int | None = None
    ) -> Outcome[np.ndarray]:
        """Return what a task gives in another arithmetic, in all matrix products or ``only`` in that number.

        ``name`` is one that `samestep.agreement.arithmetic.low_precision.arithmetic_named` takes, and its
        results are float64 arrays; or "float32", which is NumPy's own float32.
        """
        if name == "float32":
            return self._run(task, point, _to_float32, _unchanged)
        return self.on_arrays_like(task, point, LowPrecisionArray((), arithmetic_named(name, only)))

    def on_arrays_like(self, task: str, point: Point, like: LowPrecisionArray) -> Outcome[np.ndarray]:
        """Return what a task gives on arrays ``like`` this one: their values, float64 arrays."""
        return _each(lambda array: array.parts[0], self._lifted(task, point, like.lift, like.lift, like))

    def _lifted(
        self,
        task: str,
        point: Point,
        lift: Callable[[np.ndarray], T],
        number: Callable[[float], object],
        like: RoundingArray,
    ) -> Outcome[T]:
        """Return what a task gives on lifted arrays and numbers, all of it lifted."""
        # What the task made without an input (zeros, a constant) comes out plain.
        return _each(lift, self._run(task, point, lift, number, like))

    def _run(
        self,
        task: str,
        point: Point,
        lift: Callable[[np.ndarray], object],
        number: Callable[[float], object],
        like: RoundingArray | None = None,
    ) -> Outcome[np.ndarray]:
        """Return what a task, or ``trace``, gives on arrays ``like`` this one, or on plain ones."""
        with (
            np.errstate(all="ignore"),
            followed(like, "the reference") if like is not None else nullcontext(),
        ):
            returned = self._called(task, point, lift, number)
            if task == "trace":
                return Outcome(dict(returned), {})
            outputs = self.spec.tasks[task].outputs
            named = dict(zip(outputs, returned if len(outputs) > 1 else (returned,), strict=True))
            new = self.module.export(named.pop("state")) if "state" in named else {}
        grads = named.pop("grads", {})
        return Outcome({**named, **{f"grad_{name}": grad for name, grad in grads.items()}}, dict(new))

    def _called(
        self,
        task: str,
        point: Point,
        lift: Callable[[np.ndarray], object],
        number: Callable[[float], object],
    ) -> Any:
        """Call a task, or ``trace``, on lifted arrays and numbers; an int stays as it is."""
        inputs = self.spec.tasks["loss_and_grads" if task == "trace" else task].inputs
        arguments = [
            lift(point.arrays[name]) if name in point.arrays
            else number(point.numbers[name]) if isinstance(point.numbers[name], float)
            else point.numbers[name]
            for name in inputs
        ]  # fmt: skip
        state = self.module.adopt({name: lift(value) for name, value in point.params.items()})
        return getattr(self.module, task)(state, *arguments)


S = TypeVar("S")


def _each(change: Callable[[S], T], outcome: Outcome[S]) -> Outcome[T]:
    return Outcome(
        {name: change(value) for name, value in outcome.outputs.items()},
        {name: change(value) for name, value in outcome.state.items()},
    )


def _to_float64(array: np.ndarray) -> np.ndarray:
    """A copy; integers keep their type."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array.copy()


def _to_float32(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.kind == "f" else array.copy()


def _unchanged(value: T) -> T:
    return value
