"""The check of the reference itself: what it calls a derivative, against complex-step differentiation.

f'(x) is Im(f(x + i h)) / h, without the cancellation of a difference, so h may be 1e-100. W. Squire and
G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40 (1998).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.limits import COMPLEX_STEP, COMPLEX_UNITS
from samestep.agreement.reference.run import Point, Reference
from samestep.agreement.verdict import Disagreement, Divergence


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
    """Return the gradients of the loss, and the derivatives that the spec declares."""
    spec, together = reference.spec, "loss_and_grads"
    if reference.offers(together):
        for name in spec.differentiated(point.params):
            yield Claim(together, f"grad_{name}", together, "loss", name)
    giving = {output: task for task, about in spec.tasks.items() for output in about.outputs}
    for derivative, (output, by, weights) in spec.derivatives.items():
        yield Claim(giving[derivative], derivative, giving[output], output, by, weights)


def check_derivatives(reference: Reference, point: Point) -> float:
    """Return the worst |error| / limit of all claims at ``point``; raise `Disagreement` where it exceeds 1.

    The limit is the derivative's certificate, times what a complex operation may round more than a real one
    (`COMPLEX_UNITS`). Of each derivative the largest element and up to 15 others, evenly spread, are tried.
    """
    return max((_check_claim(reference, point, claim) for claim in claims(reference, point)), default=0.0)


def _check_claim(reference: Reference, point: Point, claim: Claim) -> float:
    derivative = reference.bounds(claim.task, point).outputs[claim.derivative]
    value, worst = derivative.value, 0.0
    spread = np.linspace(0, value.size - 1, min(15, value.size)).astype(int)
    for flat in {int(np.abs(value).argmax()), *map(int, spread)}:
        index = tuple(int(i) for i in np.unravel_index(flat, value.shape))
        claimed, limit = float(value[index]), COMPLEX_UNITS * float(derivative.bound[index])
        slope = _slope(reference, point, claim, index, COMPLEX_STEP)
        error = abs(slope - claimed)
        if not error <= limit:  # at a kink both sides have a slope, and a convention decides between them
            other = _slope(reference, point, claim, index, -COMPLEX_STEP)
            error = float(np.max([min(slope, other) - claimed, claimed - max(slope, other), 0.0]))
        if not error <= limit:  # NaN fails too
            raise Disagreement(
                Divergence(
                    0, claim.task, claim.derivative, index, claimed, slope, error, limit,
                    f"complex-step differentiation of the {claim.output}",
                )
            )  # fmt: skip
        if error:  # the gradient of a unit that is never open is exactly 0, and so is its limit
            worst = max(worst, error / limit)
    return worst


def _slope(reference: Reference, point: Point, claim: Claim, index: tuple[int, ...], step: float) -> float:
    """The derivative of the weighted sum of the output by one element."""
    kind = "params" if claim.by in point.params else "arrays"
    values = getattr(point, kind)
    shifted = values[claim.by].astype(complex)
    shifted[index] += 1j * step
    there = replace(point, **{kind: {**values, claim.by: shifted}})
    output = reference.on_complex(claim.source, there).outputs[claim.output]
    weights = 1.0 if claim.weights is None else point.arrays[claim.weights]
    return float(np.imag(np.sum(weights * output))) / step
