"""Recorded spreads under the candidate's names: through the links, as replicas would go through them.

Sigma goes through a map as a bound does. How norm and scale vary over replicas is known of the reference's
own tensors. Where a tensor is one of these, rearranged, it is the same; else it is bounded by what is known:

    norm    Var(||E||^2) of a part is at most that of the whole, since squares of errors that share their
            roundings do not vary against each other; of several the standard deviations add up at most
    scale   |<E, G>| <= ||E|| ||G||; of tensors that are joined whole, those of <E, G> add up at most
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samestep.agreement.reference.spread import Spread
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.pairing.linear_map import Counterpart
from samestep.models.recorded.answer import Spreads
from samestep.models.tensors import TensorKey, Tensors


def translated(
    spreads: Spreads, own: Tensors, links: Correspondence, exact: Tensors, before: Tensors
) -> dict[TensorKey, Spread]:
    """Return the spread of every floating tensor of ``exact``, which the links make of ``own``.

    ``own`` are the reference's tensors, and ``before`` holds the parameters that a step moved, under the keys
    of ``exact``.
    """
    sigmas = links.apply_bounds({key: spread.sigma for key, spread in spreads.items()})
    made = {}
    for key, value in exact.items():
        if value.dtype.kind != "f":
            continue
        sources, link = links.name_of(key)[0], links.link_of(key)
        if link is None or _is_rearranged(link, value, own[sources[0]]):
            made[key] = replace(spreads[sources[0]], sigma=sigmas[key])
        else:
            moved = value - before[key] if key in before else value
            parts = {source: spreads[source] for source in sources}
            made[key] = _bounded(parts, own, sigmas[key], moved, link.bijective)
    return made


def _is_rearranged(link: Counterpart, value: np.ndarray, source: np.ndarray) -> bool:
    """Whether it is one tensor of the reference, each element once and as it is."""
    if len(link.sources) != 1 or link.is_computed or value.size != source.size:
        return False
    term = link.terms[0]
    return term.whole if term.index is None else np.unique(term.index[term.index >= 0]).size == value.size


def _bounded(sources: Spreads, own: Tensors, sigma: np.ndarray, moved: np.ndarray, once: bool) -> Spread:
    """The spread of a tensor of parts, of several, or of multiples; ``once``: it has no element twice."""
    whole, size = _squares(sigma), _squares(moved)
    norms = sum(one.norm_varies * _squares(one.sigma) for one in sources.values())
    scales = sum(one.scale_varies * _squares(own[key]) for key, one in sources.items())
    coherent = (whole / size) ** 0.5 if size else 0.0
    joined = once and sum(own[key].size for key in sources) == sigma.size
    first = next(iter(sources.values()))
    return Spread(
        sigma,
        max(one.terms for one in sources.values()),
        min(one.replicas for one in sources.values()),
        min(norms / whole, 1.0) if whole else 0.0,
        min(scales / size, coherent) if joined and size else coherent,
        first.precision,
    )


def _squares(array: np.ndarray) -> float:
    finite = np.where(np.isfinite(array), array, 0.0).astype(np.float64)
    return float(np.square(finite).sum())
