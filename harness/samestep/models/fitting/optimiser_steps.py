"""What an optimiser changes at its last step, from the gradients of all steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from samestep.models.fitting.difference import Difference
from samestep.models.fitting.resolution import rms


@dataclass(frozen=True)
class Optimiser:
    """The numbers of an optimiser and the forms in which it may be written.

    ``form`` is "sgd", "adam", "rmsprop" or "adagrad". ``eps_place``: "after" the root of the corrected
    moment, "inside" that root, or "before" the correction. ``decay`` is weight decay, added to the gradient
    or ``decoupled``.
    """

    form: str
    rate: float
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    eps_place: str = "after"
    corrects: bool = True
    decay: float = 0.0
    decoupled: bool = False
    scales_decay: bool = True
    ema: bool = False
    initial: float = 0.0

    def change(self, gradients: tuple[np.ndarray, ...], params: tuple[np.ndarray | float, ...]) -> np.ndarray:
        """Return what the last step adds to the parameter."""
        first = np.zeros_like(gradients[0])
        second = np.full_like(gradients[0], self.initial)
        step = first
        for t, (gradient, param) in enumerate(zip(gradients, params, strict=True), 1):
            g = gradient if self.decoupled else gradient + self.decay * param
            step, first, second = self._step(t, g, first, second)
            if self.decoupled:
                step = step - (self.rate if self.scales_decay else 1.0) * self.decay * param
        return step

    def _step(
        self, t: int, g: np.ndarray, first: np.ndarray, second: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self.form == "adam":
            return self._adam(t, g, first, second)
        scaled = g
        if self.form != "sgd":
            kept = 1.0 if self.form == "adagrad" else self.beta2
            second = kept * second + (1.0 if self.form == "adagrad" else 1 - kept) * g * g
            scaled = g / self._root(second, 1.0)
        if not self.momentum:
            return -self.rate * scaled, first, second
        share = (1 - self.momentum) if self.ema else 1.0 if t == 1 else 1 - self.dampening
        first = self.momentum * first + share * scaled
        moved = scaled + self.momentum * first if self.nesterov else first
        return -self.rate * moved, first, second

    def _adam(
        self, t: int, g: np.ndarray, first: np.ndarray, second: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first = self.beta1 * first + (1 - self.beta1) * g
        second = self.beta2 * second + (1 - self.beta2) * g * g
        c1 = 1 - self.beta1**t if self.corrects else 1.0
        c2 = 1 - self.beta2**t if self.corrects else 1.0
        mean = first / c1
        if self.nesterov:
            mean = self.beta1 * first / (1 - self.beta1 ** (t + 1)) + (1 - self.beta1) * g / (
                1 - self.beta1**t
            )
        return -self.rate * mean / self._root(second, c2), first, second

    def _root(self, second: np.ndarray, correction: float) -> np.ndarray:
        """The root of the second moment, with eps in its place."""
        if self.eps_place == "inside":
            return np.sqrt(second / correction + self.eps)
        eps = self.eps / correction**0.5 if self.eps_place == "before" else self.eps
        return np.sqrt(second / correction) + eps


FORMS = {
    "adam": "adam",
    "adamw": "adam",
    "nadam": "adam",
    "sgd": "sgd",
    "rmsprop": "rmsprop",
    "adagrad": "adagrad",
}


@lru_cache(maxsize=1)
def own_optimiser(d: Difference) -> Optimiser | None:
    """Return the optimiser that gives the reference's update best; None without gradients."""
    name = d.layer.partition(":")[2]
    if name not in FORMS or not d.inputs or any(g.shape != d.expected.shape for g in d.inputs):
        return None
    return min(_ways(d, name), key=lambda way: rms(changed(d, way) - d.expected), default=None)


def _ways(d: Difference, name: str) -> Iterator[Optimiser]:
    rate = d.setting("lr", "learning_rate")
    if rate is None:
        return
    betas = d.settings.get("betas")
    beta1, beta2 = betas if isinstance(betas, (tuple, list)) else (0.9, 0.999)
    kept = d.setting("alpha", "rho", "decay") or 0.99
    for place in ("after", "inside", "before") if name != "sgd" else ("after",):
        for decoupled in (name == "adamw", name != "adamw"):
            yield Optimiser(
                FORMS[name],
                rate,
                momentum=d.setting("momentum") or 0.0,
                dampening=d.setting("dampening") or 0.0,
                nesterov=bool(d.settings.get("nesterov")) or name == "nadam",
                beta1=d.setting("beta1", "beta_1", "b1") or float(beta1),
                beta2=d.setting("beta2", "beta_2", "b2")
                or (kept if FORMS[name] == "rmsprop" else float(beta2)),
                eps=1e-8 if (eps := d.setting("eps", "epsilon")) is None else eps,
                eps_place=place,
                decay=d.setting("weight_decay") or 0.0,
                decoupled=decoupled,
                initial=d.setting("initial_accumulator_value") or 0.0,
            )


@lru_cache(maxsize=1)
def own_change(d: Difference) -> np.ndarray | None:
    """Return what that optimiser changes at the difference's step."""
    own = own_optimiser(d)
    return None if own is None else changed(d, own)


def changed(d: Difference, optimiser: Optimiser) -> np.ndarray:
    """Return what an optimiser changes at the difference's step."""
    last = 0.0 if d.before is None else d.before
    steps = range(len(d.inputs) - 1)
    return optimiser.change(d.inputs, (*(d.parameters.get(str(t), last) for t in steps), last))
