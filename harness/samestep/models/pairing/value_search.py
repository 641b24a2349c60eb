"""Find the reference's parameters among the candidate's by their values alone.

First whole tensors under transposes and reshapes; then, element by element, slices and tensors that are
stacked, fused or in another order. What several of the reference's tensors fit is left to `settle`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.models.pairing.arrangement import Arrangement, from_index
from samestep.models.pairing.element_search import find_elements
from samestep.models.pairing.gradient_evidence import GradientEvidence
from samestep.models.pairing.settle import Settler
from samestep.models.pairing.value_table import ValueTable, as_held, is_constant, views

Values = Mapping[str, np.ndarray]


def find_by_value(
    reference: Values,
    candidate: Values,
    reference_gradients: Values | None,
    candidate_gradients: Values | None,
) -> tuple[dict[str, Arrangement], dict[str, str]]:
    """Return what each of the candidate's parameters is, and the reasons for those that are unknown."""
    tables: dict[np.dtype, ValueTable] = {}
    decided: dict[str, Arrangement] = {}
    options: dict[str, list[Arrangement]] = {}
    unknown: dict[str, str] = {}
    for name, value in candidate.items():
        dtype = np.asarray(value).dtype
        if dtype not in tables:
            tables[dtype] = ValueTable(reference, dtype)
        table = tables[dtype]
        held = as_held(value, dtype)
        fits = [way for source in table.holders(held) for way in views(source, table.arrays[source], held)]
        if len(fits) == 1 and not is_constant(held):
            decided[name] = fits[0]
        elif fits or is_constant(held):
            options[name] = fits
        else:
            index = find_elements(held, table)
            if index is None:
                unknown[name] = "its values are not among the reference's"
            else:
                decided[name] = from_index(index, table.places)
    evidence = None
    if reference_gradients is not None and candidate_gradients is not None:
        evidence = GradientEvidence(reference_gradients, candidate_gradients)
    settler = Settler(reference, candidate, decided, evidence)
    settler.settle(options)
    return {n: settler.decided[n] for n in candidate if n in settler.decided}, unknown | settler.unknown
