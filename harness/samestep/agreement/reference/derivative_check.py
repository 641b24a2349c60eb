"""The check of what a reference calls a derivative, against complex-step differentiation.

All elements are tried at once, each moved by its own random amount: the derivative in that direction is the
sum of the elements' derivatives times their moves, in which any wrong element shows. One direction has the
signs of the derivative, in which a factor shows best, and one random signs. A wrong element is then looked
for by halving what moves. Where a direction meets a kink its two sides have different slopes, and a
convention decides between them: there single elements are tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.limits import COMPLEX_STEP, COMPLEX_UNITS, gamma
from samestep.agreement.reference.run import Point, Reference
from samestep.agreement.verdict import Disagreement, Divergence

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
    return max((_Check(reference, point, claim).run() for claim in claims(reference, point)), default=0.0)


class _Check:
    """One claim at one point."""

    def __init__(self, reference: Reference, point: Point, claim: Claim) -> None:
        self.reference, self.point, self.claim = reference, point, claim
        inputs = reference.first_steps(claim.task, point)
        found = reference.bounds(claim.task, inputs).outputs[claim.derivative]
        self.claimed, self.bound = np.asarray(found.value, np.float64), COMPLEX_UNITS * found.bound
        self.known = np.isfinite(self.claimed) & np.isfinite(self.bound)
        self.claimed, self.bound = (np.where(self.known, a, 0.0) for a in (self.claimed, self.bound))
        self.rng = np.random.default_rng(0)

    def run(self) -> float:
        if not self.known.any():
            return 0.0
        worst = [0.0]
        for signs in (np.sign(self.claimed), self.rng.choice((-1.0, 1.0), self.claimed.shape)):
            moves = self._moves(signs)
            share = self._share(moves)
            if not share <= 1:  # NaN fails too
                if self._is_smooth(moves):
                    self._raise_at(self._wrong_element(moves))
                return max(map(self._try_element, self._elements()))
            worst.append(share)
        return max(worst)

    def _moves(self, signs: np.ndarray) -> np.ndarray:
        """Return a direction in which no two errors cancel, and no element's limit drowns the others."""
        size = self.rng.uniform(1, 2, self.claimed.shape) * signs
        usual = float(np.median(self.bound))
        wide, narrow = self.bound > usual, np.ones(self.bound.shape)
        np.divide(usual, self.bound, out=narrow, where=wide)
        return np.where(self.known, size * narrow, 0.0)

    def _share(self, moves: np.ndarray, sign: int = 1) -> float:
        """Return |error| / limit in a direction; 0 where both are."""
        error, limit = abs(self._slope(moves, sign) - self._sum(moves)), self._limit(moves)
        return error / limit if limit else float(np.inf) if error else 0.0

    def _sum(self, moves: np.ndarray) -> float:
        return math.fsum((self.claimed * moves).flat)

    def _limit(self, moves: np.ndarray) -> float:
        # Besides the certificate the roundings of the moves, of their products, and by the step and weights
        return math.fsum(((self.bound + gamma(4, "float64") * np.abs(self.claimed)) * np.abs(moves)).flat)

    def _slope(self, moves: np.ndarray, sign: int = 1) -> float:
        claim, step = self.claim, sign * COMPLEX_STEP
        kind = "params" if claim.by in self.point.params else "arrays"
        values = getattr(self.point, kind)
        there = replace(self.point, **{kind: {**values, claim.by: _moved(values[claim.by], step * moves)}})
        inputs = self.reference.first_steps(claim.source, there)
        output = self.reference.on_complex(claim.source, inputs).outputs[claim.output]
        weights = 1.0 if claim.weights is None else self.point.arrays[claim.weights]
        return math.fsum((weights * np.imag(output)).flat) / step

    def _is_smooth(self, moves: np.ndarray) -> bool:
        """Whether both sides have the same slope: no kink, where a convention decides."""
        return abs(self._slope(moves) - self._slope(moves, -1)) <= self._limit(moves)

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
        claimed, limit = self._sum(moves), self._limit(moves)
        sides = self._slope(moves), self._slope(moves, -1)
        error = float(np.max([min(sides) - claimed, claimed - max(sides), 0.0]))
        if not error <= limit:  # NaN fails too
            self._raise_at(index)
        return error / limit if error else 0.0

    def _raise_at(self, index: tuple[int, ...]) -> None:
        moves = np.zeros(self.claimed.shape)
        moves[index] = 1.0
        claimed, slope, limit = self._sum(moves), self._slope(moves), self._limit(moves)
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
