"""The comparisons of one examination: each tensor is checked, and what came nearest to its limits is kept."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from samestep.agreement.examination.candidate import Values
from samestep.agreement.examination.precision import identify_arithmetic
from samestep.agreement.examination.tensor_check import Place, check_tensor
from samestep.agreement.examination.tensor_statistics import pooled_scale
from samestep.agreement.examination.turned_gates import check_with_turned_gates
from samestep.agreement.findings import Precision, TensorStatistics
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.reference.run import Reference
from samestep.agreement.verdict import Divergence, Invalid, Suspicion

#: A tensor of a trace, its statistics, and what was expected.
Traced = tuple[np.ndarray, TensorStatistics, Expectation]


class Comparisons:
    """What is known of each tensor so far.

    ``nearest`` holds the statistics where each tensor came nearest to its limits; ``given`` what the
    candidate gave at its first step, ``first`` what of it is right, and ``sigmas`` the spreads there, in the
    tensors' own shapes and units;
    ``precision`` the arithmetic that was identified; ``notes`` what changes no verdict. The tasks of
    ``not_identifying`` are not asked which arithmetic was used.
    """

    def __init__(self, reference: Reference, not_identifying: Collection[str]) -> None:
        self.reference = reference
        self.not_identifying = not_identifying
        self.nearest: dict[str, TensorStatistics] = {}
        self.first: Values = {}
        self.given: Values = {}
        self.sigmas: Values = {}
        self.precision: Precision | None = None
        self.notes: list[str] = []
        self._traced: dict[str, dict[int, Traced]] = {}  # by tensor and step

    def check(self, place: Place, got: Values, expected: Expectation) -> None:
        """Compare every tensor that a task gave.

        Raises `Invalid`, `Disagreement` or `Suspicion` at the first that fails, as `check_tensor` does, and
        `Suspicion` where another arithmetic was used than is declared.
        """
        self._keep(place, got, expected)
        for name, value in got.items():
            self._check(place, name, value, expected)

    def check_trace(self, place: Place, got: Values, expected: Expectation) -> None:
        """Compare a trace as `check` does, and keep it for `check_pooled_scales`."""
        self._keep(place, got, expected)
        for name, value in got.items():
            found = self._check(place, name, value, expected)
            if found:
                self._traced.setdefault(name, {})[place.step] = value, found, expected

    def check_pooled_scales(self) -> None:
        """Compare the scale of each traced tensor over all steps.

        A factor is in all of them, and the scatter of correct steps averages out. In a state it would not:
        there a constant that was rounded once moves every step alike. Raises `Suspicion` where the scale is
        over its limit.
        """
        for name, by_step in self._traced.items():
            steps = list(by_step.values())
            got, _, expected = steps[-1]
            factor, limit = pooled_scale([found for _, found, _ in steps])
            if not abs(factor) <= limit:
                exact = expected.exact.all[name]
                divergence = Divergence(
                    len(steps) - 1, "trace", name, None, float(got.flat[0]), float(exact.flat[0]),
                    factor, limit, "scale",
                )  # fmt: skip
                raise Suspicion(divergence, got=got, expected=exact, expectation=expected)

    def _keep(self, place: Place, got: Values, expected: Expectation) -> None:
        """Keep what a task gave at the first step, right or wrong, where others can be held against it."""
        for name, value in got.items():
            exact = expected.exact.all[name]
            alike = _kind(value) == _kind(exact) and value.shape == exact.shape
            if place.step == 0 and name not in self.given and alike:
                self.given[name] = value
                if name in expected.spreads:
                    self.sigmas[name] = expected.spreads[name].sigma

    def _check(
        self, place: Place, name: str, value: np.ndarray, expected: Expectation
    ) -> TensorStatistics | None:
        kind = _kind(expected.exact.all[name])
        if _kind(value) != kind:
            raise Invalid(f"{place.task}: {name} is {value.dtype}, expected {kind}")
        found = self._check_limits(place, name, value, expected)
        if place.step == 0:
            self.first.setdefault(name, value)
        if found is None:
            return None
        if name not in self.nearest or found.share > self.nearest[name].share:
            self.nearest[name] = found
        # Of the other optimisers the rounding of their numbers hides it: some code holds 1 - beta in float64.
        if place.step == 0 and place.task not in self.not_identifying:
            self._check_arithmetic(place, name, value, found, expected)
        return found

    def _check_limits(
        self, place: Place, name: str, value: np.ndarray, expected: Expectation
    ) -> TensorStatistics | None:
        """The limits; where they are breached, with gates turned that rounding may turn."""
        try:
            return check_tensor(place, name, value, expected)
        except Suspicion:
            turned = check_with_turned_gates(place, name, value, expected)
            if turned is None:
                raise
        found, gates = turned
        number = "one gate that is" if len(gates) == 1 else f"{len(gates)} gates that are"
        self.notes.append(
            f"{place.task}, step {place.step}: {name} is right with {number} at the threshold the other way"
        )
        return found

    def _check_arithmetic(
        self, place: Place, name: str, got: np.ndarray, found: TensorStatistics, expected: Expectation
    ) -> None:
        """The first tensor that can identifies the arithmetic; one that is too exact is a finding too."""
        precision = identify_arithmetic(self.reference, name, found, expected)
        if precision is None:
            return
        self.precision = self.precision or precision
        if precision.label == "unknown":
            self.notes.append(
                f"{name}: computed between the known arithmetics, {precision.ratio:.2g} sigma off"
            )
        elif precision.label != precision.declared:
            divergence = Divergence(
                place.step, place.task, name, None, None, None, precision.ratio, None,
                f"computed in {precision.label}, not in {precision.declared}: "
                f"the error is {precision.ratio:.2g} sigma",
            )  # fmt: skip
            raise Suspicion(divergence, got=got, expected=expected.exact.all[name], expectation=expected)


def _kind(array: np.ndarray) -> str:
    return {"f": "a floating dtype", "b": "a bool"}.get(array.dtype.kind, "an integer")
