"""Mistakes in optimisers: decay, eps and its place, bias corrections, momentum in another form, betas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken
from samestep.models.fitting.optimiser_steps import changed, own_change, own_optimiser

PLACES = {
    "after": "added to the root of the corrected moment",
    "inside": "under the root",
    "before": "added to the root of the moment before its correction",
}


def rate(d: Difference) -> Models:
    """A factor on the update: another learning rate."""
    own = d.setting("lr", "learning_rate")
    if not own:
        return
    unseen = float(np.finfo(np.float64).eps) * abs(own)  # such a rate moves nothing
    yield Model(
        lambda value: value / own * d.expected,
        lambda value: (
            f"the learning rate is {spoken(value if abs(value) > unseen else 0.0)}, "
            f"the reference's {spoken(own)}"
        ),
        (own,),
        free=True,
    )


def _variant(d: Difference, words: str, **changes: Any) -> Models:
    own = own_optimiser(d)
    if own is not None:
        yield fixed(changed(d, replace(own, **changes)), words, check=own_change(d))


def _number(d: Difference, name: str, words: str, starts: tuple[float, ...], **others: Any) -> Models:
    own = own_optimiser(d)
    if own is not None:
        yield Model(
            lambda value: changed(d, replace(own, **{**others, name: value})),
            lambda value: f"{words} {spoken(value)}, the reference's {spoken(getattr(own, name))}",
            starts,
            free=True,
            check=own_change(d),
            logarithmic=min(starts) > 0,
        )


def decay(d: Difference) -> Models:
    """Weight decay in the gradient where it should be decoupled, without the rate, missing, or another."""
    own = own_optimiser(d)
    if own is None or d.before is None or not np.any(d.before):
        return
    if own.decay:
        where = "added to the gradient" if own.decoupled else "decoupled from the gradient"
        words = f"weight decay is {where}, which the reference's is not"
        yield from _variant(d, words, decoupled=not own.decoupled)
        yield from _variant(d, "there is no weight decay", decay=0.0)
        if own.decoupled:
            yield from _variant(d, "weight decay is not multiplied by the rate", scales_decay=False)
    starts = tuple(n * own.decay for n in (0.1, 0.5, 2.0, 10.0)) if own.decay else (1e-4, 1e-3, 1e-2)
    for decoupled in {own.decoupled, own.form == "adam"}:
        words = "decoupled weight decay is" if decoupled else "weight decay is"
        yield from _number(d, "decay", words, starts, decoupled=decoupled)


def update_eps(d: Difference) -> Models:
    """Another eps, or the same elsewhere."""
    own = own_optimiser(d)
    if own is None or own.form == "sgd":
        return
    yield from _number(d, "eps", "eps is", (1e-10, 1e-8, 1e-7, 1e-6, 1e-4, 1e-3))
    for place, words in PLACES.items():
        if place != own.eps_place:
            yield from _variant(
                d, f"eps is {words}, the reference's {PLACES[own.eps_place]}", eps_place=place
            )


def corrections(d: Difference) -> Models:
    """Moments that are not corrected for their bias."""
    own = own_optimiser(d)
    if own is not None and own.form == "adam":
        yield from _variant(d, "the moments are not corrected for their bias", corrects=False)


def momentum_form(d: Difference) -> Models:
    """Nesterov's momentum, dampening, an average of gradients, no momentum."""
    own = own_optimiser(d)
    if own is None:
        return
    has = "Nesterov's momentum, which the reference has not"
    lacks = "plain momentum, where the reference has Nesterov's"
    if own.momentum or own.form == "adam":
        yield from _variant(d, lacks if own.nesterov else has, nesterov=not own.nesterov)
    if own.momentum:
        words = f"the gradient is dampened by {spoken(1 - own.momentum)}"
        yield from _variant(d, f"{words} from the first step on", ema=True)
        yield from _variant(d, f"{words} after the first step", dampening=own.momentum)
        yield from _variant(d, "there is no momentum", momentum=0.0)
        if own.dampening:
            yield from _variant(d, "there is no dampening", dampening=0.0)


def initial_sum(d: Difference) -> Models:
    """Another sum of squares to begin with."""
    own = own_optimiser(d)
    if own is not None and own.form == "adagrad":
        yield from _number(d, "initial", "the sum of squares begins at", (0.0, 0.1, 1.0))


def betas(d: Difference) -> Models:
    """Another beta, or another momentum."""
    own = own_optimiser(d)
    if own is None:
        return
    if own.form == "adam":
        yield from _number(d, "beta1", "beta1 is", (0.5, 0.8, 0.9, 0.95))
    if own.form in ("adam", "rmsprop"):
        yield from _number(d, "beta2", "the second moment's decay is", (0.9, 0.95, 0.99, 0.999))
    if own.momentum:
        yield from _number(d, "momentum", "momentum is", (0.5, 0.9, 0.99))
