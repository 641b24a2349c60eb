"""The check of what a reference calls a derivative, against complex-step differentiation.

All elements are tried at once, each moved by its own random amount: the derivative in that direction is the
sum of the elements' derivatives times their moves, in which any wrong element shows. A wrong element is then
looked for by halving what moves. Where a direction meets a kink its two sides have different slopes, and a
convention decides between them: there single elements are tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.limits import COMPLEX_STEP, COMPLEX_UNITS, gamma
from samestep.agreement.reference.run import Outcome, Point, Reference
from samestep.agreement.verdict import Disagreement, Divergence

#: The directions that each derivative is tried in, by number.
DIRECTIONS = (0, 1)
#: Elements that are tried one by one where there is a kink.
ELEMENTS = 16


@dataclass(frozen=True)
class Claim:
    """``derivative``, which ``task`` gives, is that of sum(weights * output) by the param or array ``by``.

    ``source`` is the task that gives the output; ``weights`` names an array of the output's shape, and None
    stands for ones.
    """

    task: str
    derivative: str
    source: str
    output: str
    by: str
    weights: str | None = None


def claims(reference: Reference, point: Point) -> Iterator[Claim]:
    """Return the gradients of the loss, others of the trace, and the derivatives that a spec declares."""
    spec = reference.spec
    params = spec.differentiated(point.params)
    for task, about in spec.tasks.items():
        if {"grads", "loss"} <= {*about.outputs} and reference.offers(task):
            yield from (Claim(task, f"grad_{name}", task, "loss", name) for name in params)
    if reference.offers("trace"):
        shown = reference.exact("trace", point).outputs
        known = reference.exact("loss_and_grads", point).outputs if reference.offers("loss_and_grads") else {}
        for name in [f"grad_{param}" for param in params] if "loss" in shown else ():
            is_known = name in known and np.array_equal(shown.get(name, ()), known[name], equal_nan=True)
            if name in shown and not is_known:
                yield Claim("trace", name, "trace", "loss", name.removeprefix("grad_"))
    giving = {output: task for task, about in spec.tasks.items() for output in about.outputs}
    for derivative, (output, by, weights) in spec.derivatives.items():
        yield Claim(giving[derivative], derivative, giving[output], output, by, weights)


def check_derivatives(reference: Reference, point: Point) -> float:
    """Return the worst |error| / limit of all claims at ``point``; raise `Disagreement` where it exceeds 1.

    The limit is the derivative's certificate, times what a complex operation may round more than a real one
    (`COMPLEX_UNITS`). An element that is not finite, or that nothing bounds, is not tried.
    """
    bounds: dict[str, Outcome[Bound]] = {}
    groups: dict[tuple[str, str, str | None], list[_Check]] = {}
    for claim in claims(reference, point):
        if claim.task not in bounds:
            bounds[claim.task] = reference.bounds(claim.task, reference.first_steps(claim.task, point))
        check = _Check(reference, point, claim, bounds[claim.task].outputs[claim.derivative])
        groups.setdefault((claim.source, claim.output, claim.weights), []).append(check)
    return max(map(_check_together, groups.values()), default=0.0)


def _check_together(checks: list[_Check]) -> float:
    """Try claims about one output in the same runs, each weighted alike; where they fail, one by one."""
    shares = []
    for number in DIRECTIONS:
        moves = [check.direction(number) for check in checks]
        limits = [check.limit(move) for check, move in zip(checks, moves, strict=True)]
        moves = [move / limit if limit else move for move, limit in zip(moves, limits, strict=True)]
        slope = checks[0].slope({c.claim.by: move for c, move in zip(checks, moves, strict=True)})
        claimed = math.fsum(check.sum(move) for check, move in zip(checks, moves, strict=True))
        shares.append(_share(abs(slope - claimed), float(np.count_nonzero(limits))))
        if not shares[-1] <= 1:  # NaN fails too
            return max(check.run() for check in checks)
    return max(shares)


def _sum(values: np.ndarray) -> float:
    """The sum, rounded once; of what is not finite NumPy's."""
    total = float(np.sum(values))
    return math.fsum(values.flat) if math.isfinite(total) else total


def _share(error: float, limit: float) -> float:
    return error / limit if limit else float(np.inf) if error else 0.0


class _Check:
    """One claim at one point, with what the reference gives there."""

    def __init__(self, reference: Reference, point: Point, claim: Claim, found: Bound) -> None:
        self.reference, self.point, self.claim = reference, point, claim
        self.claimed, self.bound = np.asarray(found.value, np.float64), COMPLEX_UNITS * found.bound
        self.known = np.isfinite(self.claimed) & np.isfinite(self.bound)
        self.claimed, self.bound = (np.where(self.known, a, 0.0) for a in (self.claimed, self.bound))

    def run(self) -> float:
        """Return the worst |error| / limit, as `check_derivatives` does."""
        worst = []
        for number in DIRECTIONS:
            moves = self.direction(number)
            worst.append(self._share(moves))
            if not worst[-1] <= 1:
                if self._is_smooth(moves):
                    self._raise_at(self._wrong_element(moves))
                return max(map(self._try_element, self._elements()))
        return max(worst)

    def direction(self, number: int) -> np.ndarray:
        """Return a direction in which no two errors cancel, and no element's limit drowns the others.

        Number 0 has the signs of the derivative, in which a factor shows best, and number 1 random ones.
        """
        rng, shape = np.random.default_rng(number), self.claimed.shape
        size = rng.uniform(1, 2, shape) * (
            rng.choice((-1.0, 1.0), shape) if number else np.sign(self.claimed)
        )
        usual = float(np.median(self.bound)) if self.bound.size else 0.0
        narrow = np.divide(usual, self.bound, out=np.ones(shape), where=self.bound > usual)
        return np.where(self.known, size * narrow, 0.0)

    def sum(self, moves: np.ndarray) -> float:
        """Return the derivative in a direction, as claimed."""
        return _sum(self.claimed * moves)

    def limit(self, moves: np.ndarray) -> float:
        """Return the limit of the error in a direction."""
        # Besides the certificate the roundings of the moves, of their products, and by the step and weights
        return _sum((self.bound + gamma(5, "float64") * np.abs(self.claimed)) * np.abs(moves))

    def slope(self, moves: Mapping[str, np.ndarray], sign: int = 1) -> float:
        """Return the derivative in a direction, of params or arrays by name, by a complex step."""
        claim, point, step = self.claim, self.point, sign * COMPLEX_STEP
        moved = {name: _moved({**point.params, **point.arrays}[name], step * moves[name]) for name in moves}
        params = {name: moved.get(name, value) for name, value in point.params.items()}
        arrays = {name: moved.get(name, value) for name, value in point.arrays.items()}
        inputs = self.reference.first_steps(claim.source, replace(point, params=params, arrays=arrays))
        output = self.reference.on_complex(claim.source, inputs).outputs[claim.output]
        weights = 1.0 if claim.weights is None else point.arrays[claim.weights]
        return _sum(weights * np.imag(output)) / step

    def _slope(self, moves: np.ndarray, sign: int = 1) -> float:
        return self.slope({self.claim.by: moves}, sign)

    def _share(self, moves: np.ndarray) -> float:
        return _share(abs(self._slope(moves) - self.sum(moves)), self.limit(moves))

    def _is_smooth(self, moves: np.ndarray) -> bool:
        """Whether both sides have the same slope: no kink, where a convention decides."""
        return abs(self._slope(moves) - self._slope(moves, -1)) <= self.limit(moves)

    def _wrong_element(self, moves: np.ndarray) -> tuple[int, ...]:
        """Return an element in which the claim is wrong, by halving the direction."""
        left = np.flatnonzero(moves)
        while left.size > 1:
            half = left[: left.size // 2]
            part = np.zeros(moves.size)
            part[half] = moves.ravel()[half]
            left = half if not self._share(part.reshape(moves.shape)) <= 1 else left[left.size // 2 :]
        return tuple(int(i) for i in np.unravel_index(int(left[0]), moves.shape))

    def _elements(self) -> Iterator[tuple[int, ...]]:
        """Return the largest element and others, evenly spread."""
        known = np.flatnonzero(self.known)
        spread = known[np.linspace(0, known.size - 1, min(ELEMENTS - 1, known.size)).astype(int)]
        largest = np.abs(self.claimed).argmax()
        for flat in {int(largest), *map(int, spread)}:
            yield tuple(int(i) for i in np.unravel_index(flat, self.claimed.shape))

    def _try_element(self, index: tuple[int, ...]) -> float:
        """Return |error| / limit of one element, which at a kink may lie between the slopes of both sides."""
        moves = np.zeros(self.claimed.shape)
        moves[index] = 1.0
        claimed, limit = self.sum(moves), self.limit(moves)
        sides = self._slope(moves), self._slope(moves, -1)
        error = float(np.max([min(sides) - claimed, claimed - max(sides), 0.0]))
        if not error <= limit:  # NaN fails too
            self._raise_at(index)
        return error / limit if error else 0.0

    def _raise_at(self, index: tuple[int, ...]) -> None:
        moves = np.zeros(self.claimed.shape)
        moves[index] = 1.0
        claimed, slope, limit = self.sum(moves), self._slope(moves), self.limit(moves)
        claim = self.claim
        raise Disagreement(
            Divergence(
                0, claim.task, claim.derivative, index, claimed, slope, abs(slope - claimed), limit,
                f"complex-step differentiation of the {claim.output}",
            )
        )  # fmt: skip


def _moved(values: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Complex numbers of these parts; ``values + 1j * imaginary`` makes NaN of an infinity."""
    moved = np.empty(values.shape, complex)
    moved.real, moved.imag = values, imaginary
    return moved
