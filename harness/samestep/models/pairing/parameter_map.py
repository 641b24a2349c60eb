"""Which of the reference's parameters is which of the candidate's, from a function or from the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from samestep.models.pairing.added_pairs import added_pairs, terms_of, with_sum_gradients, with_sums
from samestep.models.pairing.arrangement import Arrangement
from samestep.models.pairing.conversion import analyse
from samestep.models.pairing.linear_map import LinearMap, Values, with_counterparts
from samestep.models.pairing.value_search import find_by_value


class ParameterMap(LinearMap):
    """From the reference's parameters (or its state) to the candidate's."""

    @classmethod
    def from_convert(
        cls, convert: Callable[[dict[str, np.ndarray]], object], reference: Values, candidate: Values
    ) -> ParameterMap:
        """Return the map that ``convert`` computes: from the reference's parameters to the candidate's.

        ``convert`` returns them by name or nested. Raises `ModelError` for names and shapes that are not the
        candidate's, and for a ``convert`` that is not linear.
        """
        terms = analyse(convert, reference, candidate)
        reason = "convert makes it of nothing that the reference has"
        unmapped = {name: reason for name, parts in terms.items() if not parts}
        return cls._of({name: parts for name, parts in terms.items() if parts}, reference, unmapped)

    @classmethod
    def by_value(
        cls,
        reference: Values,
        candidate: Values,
        reference_gradients: Values | None = None,
        candidate_gradients: Values | None = None,
        known: LinearMap | None = None,
    ) -> ParameterMap:
        """Return the map that the values tell: which is which, however it is transposed, split or stacked.

        Two vectors of one module may be one: their sum. What values cannot tell (zeros, ones, copies) is told
        by its module or name, else by the gradients, where they are given; else it is ``unmapped``. ``known``
        is the map of other tensors in the same modules: that of the parameters, where these are the state.
        """
        beside = {name: link.sources for name, link in known.links.items()} if known else {}
        pairs = added_pairs(reference, candidate)
        gradients = with_sum_gradients(reference_gradients, pairs) if reference_gradients else None
        values = with_sums(reference, pairs)
        found = find_by_value(values, candidate, gradients, candidate_gradients, beside)
        ways = found.arrangements
        terms = {name: terms_of(ways[name], pairs) for name in candidate if name in ways}
        return cls._of(terms, reference, found.unknown, found.differing)

    @classmethod
    def _of(
        cls,
        terms: Mapping[str, tuple[Arrangement, ...]],
        reference: Values,
        unmapped: Mapping[str, str],
        differing: Mapping[str, str] | None = None,
    ) -> ParameterMap:
        shapes = {name: np.shape(value) for name, value in reference.items()}
        used = {source for parts in terms.values() for part in parts for source in part.sources}
        unused = tuple(name for name in shapes if name not in used)
        return cls(with_counterparts(terms, shapes), shapes, dict(unmapped), unused, dict(differing or {}))
