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
from samestep.models.pairing.value_table import FLOAT_VALUES, ValueTable, as_held, is_constant, views

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
    beside: Mapping[str, tuple[str, ...]],
) -> Found:
    """Return what each of the candidate's parameters is; ``beside`` are counterparts in the same modules."""
    tables: dict[np.dtype, ValueTable] = {}
    found = Found()
    options: dict[str, list[Arrangement]] = {}
    parts: list[str] = []
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
            parts.append(name)
    _add_parts(parts, reference, candidate, found)
    evidence = None
    if reference_gradients is not None and candidate_gradients is not None:
        evidence = GradientEvidence(reference_gradients, candidate_gradients)
    settler = Settler(reference, candidate, found.arrangements, evidence, beside)
    settler.settle(options)
    return Found(settler.decided, found.unknown | settler.unknown, found.differing)


def _add_parts(names: list[str], reference: Values, candidate: Values, found: Found) -> None:
    """Add to ``found`` what tensors are that are no whole ones of the reference's.

    They are looked for among what is left of the reference first. All of it is searched only in models where
    an element can still say where it comes from.
    """
    used = {source for way in found.arrangements.values() for source in way.sources}
    left = {name: value for name, value in reference.items() if name not in used}
    pools = [left, reference] if sum(map(np.size, reference.values())) <= FLOAT_VALUES else [left]
    tables: dict[tuple[np.dtype, int], ValueTable] = {}
    for name in names:
        dtype = np.asarray(candidate[name]).dtype
        for number, pool in enumerate(pools):
            if (dtype, number) not in tables:
                tables[dtype, number] = ValueTable(pool, dtype)
            if _add_elements(name, as_held(candidate[name], dtype), tables[dtype, number], found):
                break
        else:
            found.unknown[name] = "its values are not among the reference's"


def _add_elements(name: str, held: np.ndarray, table: ValueTable, found: Found) -> bool:
    """Add what a tensor is by its elements; return whether they are in the table."""
    index = find_elements(held, table)
    if index is None:
        return False
    found.arrangements[name] = from_index(index, table.places)
    expected = np.where(index < 0, 0, table.flat[index])
    places = np.argwhere((held != expected) & ~(np.isnan(held) & np.isnan(expected)))
    if places.size:
        first = tuple(places[0])
        at, got, wanted = [int(i) for i in first], held[first], expected[first]
        text = f"{len(places)} of {held.size} values differ, at {at} {got:.9g} for {wanted:.9g}"
        found.differing[name] = text
    return True
