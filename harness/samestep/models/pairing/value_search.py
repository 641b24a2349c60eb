"""Find the reference's parameters among the candidate's by their values alone.

First whole tensors under transposes and reshapes; then, element by element, slices and tensors that are
stacked, fused or in another order. What several of the reference's tensors fit is left to `settle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from samestep.models.pairing.arrangement import Arrangement, from_index
from samestep.models.pairing.element_search import find_elements
from samestep.models.pairing.gradient_evidence import GradientEvidence
from samestep.models.pairing.settle import Settler
from samestep.models.pairing.value_table import ValueTable, as_held, is_constant, views

Values = Mapping[str, np.ndarray]


@dataclass
class Found:
    """What each of the candidate's parameters is, or why that is unknown, or how its values differ."""

    arrangements: dict[str, Arrangement] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    differing: dict[str, str] = field(default_factory=dict)


def find_by_value(
    reference: Values,
    candidate: Values,
    reference_gradients: Values | None,
    candidate_gradients: Values | None,
) -> Found:
    """Return what each of the candidate's parameters is."""
    tables: dict[np.dtype, ValueTable] = {}
    found = Found()
    options: dict[str, list[Arrangement]] = {}
    for name, value in candidate.items():
        dtype = np.asarray(value).dtype
        if dtype not in tables:
            tables[dtype] = ValueTable(reference, dtype)
        table, held = tables[dtype], as_held(value, dtype)
        fits = [way for source in table.holders(held) for way in views(source, table.arrays[source], held)]
        if len(fits) == 1 and not is_constant(held):
            found.arrangements[name] = fits[0]
        elif fits or is_constant(held):
            options[name] = fits
        else:
            _add_elements(name, held, table, found)
    evidence = None
    if reference_gradients is not None and candidate_gradients is not None:
        evidence = GradientEvidence(reference_gradients, candidate_gradients)
    settler = Settler(reference, candidate, found.arrangements, evidence)
    settler.settle(options)
    return Found(settler.decided, found.unknown | settler.unknown, found.differing)


def _add_elements(name: str, held: np.ndarray, table: ValueTable, found: Found) -> None:
    """Add to ``found`` what a tensor is that is no whole one of the reference's."""
    index = find_elements(held, table)
    if index is None:
        found.unknown[name] = "its values are not among the reference's"
        return
    found.arrangements[name] = from_index(index, table.places)
    expected = np.where(index < 0, 0, table.flat[index])
    places = np.argwhere(held != expected)
    if places.size:
        first = tuple(places[0])
        at, got, wanted = [int(i) for i in first], held[first], expected[first]
        text = f"{len(places)} of {held.size} values differ, at {at} {got:.9g} for {wanted:.9g}"
        found.differing[name] = text
