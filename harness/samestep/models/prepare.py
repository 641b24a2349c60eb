"""Both sides with the values that they are compared at: converted, or moved a little where that is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samestep.models.as_held import as_held
from samestep.models.options import Options
from samestep.models.pairing.added_pairs import added_pairs, exact_terms
from samestep.models.pairing.linear_map import LinearMap
from samestep.models.pairing.parameter_map import ParameterMap
from samestep.models.recorded.recorded_subject import RecordedSubject
from samestep.models.subject import Subject

#: With perturb=True a parameter moves by this share of its root mean square, and one that is constant (all 0,
#: all 1), which hides what is multiplied or added there, by this much in absolute terms.
SHARE, CONSTANT = 2.0**-7, 2.0**-4

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Sides:
    """The two sides as they are compared, the maps that a caller's ``convert`` gives, and what was noted."""

    candidate: Subject
    reference: Subject
    parameters: LinearMap | None
    state: LinearMap | None
    notes: tuple[str, ...]


def prepare(candidate: Subject, reference: Subject, options: Options) -> Sides:
    """Return both sides with their values in place. Raises `ModelError`."""
    parameters = state = None
    notes: list[str] = []
    theirs = reference.parameters()
    if options.convert is not None:
        parameters = ParameterMap.from_convert(options.convert, theirs, candidate.parameters())
        made = parameters.apply(theirs)
        notes += _changes(candidate.parameters(), made)
        candidate = candidate.with_values(made, {})
    if options.convert_state is not None:
        state = ParameterMap.from_convert(options.convert_state, reference.state(), candidate.state())
        candidate = candidate.with_values({}, state.apply(reference.state()))
    candidate, reference, said = as_held(candidate, reference)
    theirs, notes = reference.parameters(), [*notes, *said]
    if options.perturb:
        links = parameters or ParameterMap.by_value(theirs, candidate.parameters())
        moved = _perturbed({name: theirs[name] for name in _sources(links)}, options.seed)
        reference = reference.with_values(moved, {})
        candidate = candidate.with_values(links.apply({**theirs, **moved}), {})
        notes.append(f"perturb: {len(moved)} parameters of both sides were moved by the same amounts")
        parameters = parameters or links
    candidate, reference = exactly_added(candidate, reference, parameters, options.dtypes[0])
    return Sides(candidate, reference, parameters, state, tuple(notes))


def exactly_added(
    candidate: Subject, reference: Subject, links: LinearMap | None, dtype: str
) -> tuple[Subject, Subject]:
    """Return both sides at values where the sums of parameters that the candidate holds fit ``dtype``.

    Without ``links`` the sums are found from the values. Raises `ModelError`.
    """
    if isinstance(reference, RecordedSubject):  # its answers are those of its own values
        return candidate, reference
    theirs, mine = reference.parameters(), candidate.parameters()
    if links is None:
        if not added_pairs(theirs, mine):
            return candidate, reference
        links = ParameterMap.by_value(theirs, mine)
    moved = exact_terms(links, theirs, dtype)
    if not moved:
        return candidate, reference
    made = links.apply({**theirs, **moved})
    made = {
        name: made[name] for name, link in links.links.items() if not moved.keys().isdisjoint(link.sources)
    }
    return candidate.with_values(made, {}), reference.with_values(moved, {})


def _changes(own: Values, made: Values) -> list[str]:
    """Said where the candidate had other values than ``convert`` makes: perhaps it was loaded wrongly."""
    other = [name for name, value in made.items() if not np.array_equal(own[name], value)]
    if not other:
        return []
    which = f"{len(other)} of {len(made)} parameters, {other[0]} first"
    return [f"the candidate held other values than convert makes ({which}); compared with convert's"]


def _sources(links: LinearMap) -> list[str]:
    return list(dict.fromkeys(source for link in links.links.values() for source in link.sources))


def _perturbed(values: Values, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, 0x9E7])
    moved = {}
    for name, value in values.items():
        constant = value.size > 0 and bool((value == value.flat[0]).all())
        size = CONSTANT if constant else SHARE * float(np.sqrt(np.square(value.astype(np.float64)).mean()))
        moved[name] = (value + size * rng.standard_normal(value.shape)).astype(value.dtype)
    return moved
