"""What lies between two layers, fitted: a function of what went before, a factor, a term, an attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from samestep.models.fitting.activation_mistakes import FUNCTIONS
from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken
from samestep.models.fitting.families import FAMILIES, Family
from samestep.models.fitting.fit import Fitted, fit
from samestep.models.fitting.layer_kinds import layer_kind
from samestep.models.fitting.resolution import Resolution
from samestep.models.tensors import Role

#: Tensors before a layer that are looked at: the last ones.
LATEST = 8

Terms = Mapping[str, np.ndarray]


def fit_between(expected: np.ndarray, got: np.ndarray, terms: Terms, layer: str) -> Fitted | None:
    """Return what explains ``got``, which goes into a layer, for ``expected``, from the ``terms`` before it.

    Terms are the exact outputs of earlier layers by name, the last one nearest; all in float64. Only what
    leaves rounding is returned.
    """
    near = dict([*terms.items()][-LATEST:]) | {n: x for n, x in terms.items() if n.startswith("input ")}
    plain = Difference(
        "between", {}, (), {}, expected, got, np.zeros(expected.shape), role=Role.LAYER_INPUT, tensor=layer
    )
    families = (Family("residual", partial(_terms, near), roles=(Role.LAYER_INPUT,)), *FAMILIES)
    for difference in (*_activations(plain, near), *_attentions(plain, near), plain):
        found = fit(difference, families)
        if found is not None and found.is_cause:
            return found
    return None


def _activations(plain: Difference, terms: Terms) -> Iterator[Difference]:
    """The difference as that of the activation which the reference has between a term and here."""
    resolution = Resolution.of(plain)
    for term in [*terms.values()][::-1]:
        if term.shape != plain.expected.shape:
            continue
        for name, function in FUNCTIONS.items():
            with np.errstate(all="ignore"):
                own = function(term)
            if name != "identity" and resolution.is_rounding(own + resolution.error):
                kind = layer_kind(name.partition(" (")[0].replace(" ", "_"))
                yield replace(plain, kind=kind, inputs=(term,))


def _attentions(plain: Difference, terms: Terms) -> Iterator[Difference]:
    """The difference as that of an attention between three projections, for each number of heads."""
    alike = [x for x in terms.values() if x.ndim == 3 and x.shape == plain.expected.shape]
    width = plain.expected.shape[-1] if plain.expected.ndim == 3 else 0
    for heads in (n for n in range(1, width + 1) if width % n == 0) if len(alike) > 2 else ():
        yield replace(plain, kind="attention", settings={"num_heads": heads}, inputs=tuple(alike[-3:]))


def _terms(terms: Terms, d: Difference) -> Models:
    """A term that is lost, or added: any multiple of an earlier tensor, or one in another's place."""
    alike = {name: x for name, x in terms.items() if x.shape == d.expected.shape and x.any()}
    for name, term in alike.items():
        for sign, words in ((-1.0, "is not added"), (1.0, "is added once more")):
            yield fixed(d.expected + sign * term, f"{name} {words} to {d.what}")
        yield Model(
            lambda c, x=term: d.expected + c * x,  # type: ignore[misc]
            lambda c, name=name: (
                f"{spoken(abs(c))} times {name} is {'added to' if c > 0 else 'missing in'} {d.what}"
            ),  # type: ignore[misc]
            (float((d.got - d.expected).ravel() @ term.ravel() / np.square(term).sum()),),
            free=True,
        )
    for (one, x), (other, y) in combinations(alike.items(), 2):
        size = np.square(x - y).sum()
        if size:
            yield Model(
                lambda c, z=x - y: d.expected + c * z,  # type: ignore[misc]
                lambda c, pair=(one, other): _in_place(c, pair, d.what),  # type: ignore[misc]
                (float((d.got - d.expected).ravel() @ (x - y).ravel() / size),),
                free=True,
                digits=1.0,
            )


def _in_place(share: float, pair: tuple[str, str], what: str) -> str:
    one, other = pair if share > 0 else pair[::-1]
    times = "" if abs(share) == 1 else f" ({spoken(abs(share))} times)"
    return f"{one} is added to {what} in place of {other}{times}"
