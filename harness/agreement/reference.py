"""The reference, run in float64 on the very values that the candidate had, with its error bounds.

And the reference's own proof: its gradients against complex-step differentiation of its loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from harness.agreement.bound import Bound
from harness.agreement.candidate import Values
from harness.agreement.limits import COMPLEX_STEP, COMPLEX_UNITS
from harness.agreement.verdict import Disagreement, Divergence
from harness.spec import Spec

Bounds = dict[str, Bound]


class Reference:
    """``numpy_manual`` of a workload, for candidates that compute in ``dtype``."""

    def __init__(self, module: ModuleType, spec: Spec, dtype: str) -> None:
        self.module = module
        self.spec = spec
        self.precision = np.dtype(dtype)

    def offers(self, function: str) -> bool:
        return callable(getattr(self.module, function, None))

    def _state(self, params: Mapping[str, np.ndarray]) -> Any:
        return self.module.adopt({name: self._exact(value) for name, value in params.items()})

    def _exact(self, value: Any) -> Bound:
        return value if isinstance(value, Bound) else Bound.exact(value, self.precision)

    def _arguments(
        self, inputs: tuple[str, ...], arrays: Values, numbers: Mapping[str, float | int]
    ) -> list[Any]:
        """Arrays exact, as the candidate had them; a float as the candidate rounds it; an int as it is."""
        values: list[Any] = []
        for name in inputs:
            if name in arrays:
                values.append(self._exact(arrays[name]))
            elif isinstance(numbers[name], float):
                values.append(Bound.rounded(numbers[name], self.precision))
            else:
                values.append(numbers[name])
        return values

    def run(
        self, task: str, params: Values, arrays: Values, numbers: Mapping[str, float | int]
    ) -> tuple[Bounds, Bounds]:
        """The outputs of a task by name, and the new params (empty where the task has no state)."""
        spec = self.spec.tasks[task]
        with np.errstate(all="ignore"):
            returned = getattr(self.module, task)(
                self._state(params), *self._arguments(spec.inputs, arrays, numbers)
            )
        outputs = returned if len(spec.outputs) > 1 else (returned,)
        named = dict(zip(spec.outputs, outputs, strict=True))
        state = named.pop("state", None)
        grads = named.pop("grads", {})
        leaves = {**named, **{f"grad_{name}": grad for name, grad in grads.items()}}
        new = self.module.export(state) if state is not None else {}
        return (
            {name: self._exact(value) for name, value in leaves.items()},
            {name: self._exact(value) for name, value in new.items()},
        )

    def trace(self, params: Values, arrays: Values, numbers: Mapping[str, float | int]) -> Bounds:
        """Every intermediate that the reference shows."""
        inputs = self.spec.tasks["loss_and_grads"].inputs
        with np.errstate(all="ignore"):
            seen = self.module.trace(self._state(params), *self._arguments(inputs, arrays, numbers))
        return {name: self._exact(value) for name, value in seen.items()}

    def prove(self, params: Values, arrays: Values, numbers: Mapping[str, float | int]) -> float:
        """Each gradient against Im(loss(w + i h)) / h, which no subtraction spoils (h = 1e-100).

        Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM
        Review 40 (1998). Returns the worst error over limit; raises `Disagreement`. The limit is the
        certificate of the gradient, times what a complex operation may round more than a real one. Of
        each param the largest gradient and up to 15 others, evenly spread, are tried.
        """
        outputs, _ = self.run("loss_and_grads", params, arrays, numbers)
        inputs = self.spec.tasks["loss_and_grads"].inputs
        arguments = [arrays[name] if name in arrays else numbers[name] for name in inputs]
        worst = 0.0
        for name, value in params.items():
            grad = outputs[f"grad_{name}"]
            spread = np.linspace(0, value.size - 1, min(15, value.size)).astype(int)
            for flat in {int(np.abs(grad.value).argmax()), *map(int, spread)}:
                index = tuple(int(i) for i in np.unravel_index(flat, value.shape))
                moved = {n: v.astype(complex) for n, v in params.items()}
                moved[name][index] += 1j * COMPLEX_STEP
                loss, _ = self.module.loss_and_grads(self.module.adopt(moved), *arguments)
                slope = float(np.imag(loss)) / COMPLEX_STEP
                error = abs(slope - float(grad.value[index]))
                limit = COMPLEX_UNITS * float(grad.bound[index])
                if error > limit:
                    raise Disagreement(
                        Divergence(
                            step=0,
                            task="loss_and_grads",
                            tensor=f"grad_{name}",
                            index=index,
                            got=float(grad.value[index]),
                            expected=slope,
                            error=error,
                            limit=limit,
                            test="complex-step differentiation of the loss",
                        )
                    )
                if error:  # the gradient of a unit that is never open is exactly 0, and so is its limit
                    worst = max(worst, error / limit)
        return worst
