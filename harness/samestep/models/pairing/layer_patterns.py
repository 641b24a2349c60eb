"""The layers that a user paired by name: ``{i}`` for any index, tuples for what one side fuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from samestep.models.pairing.arrangement import Arrangement, Places, from_index, from_view
from samestep.models.pairing.linear_map import Values
from samestep.models.pairing.value_table import shape_views
from samestep.models.subject import ModelError
from samestep.nearest_name import nearest

#: A name with ``{i}`` for indices, or several that one layer of the other side computes together.
Pattern = str | tuple[str, ...]

#: Axes are taken to be moved only if the layer is then this much nearer: one that is wrong by far is about as
#: far from the other side's under any order of its axes.
CLEARLY = 0.5


def matched(
    layers: Mapping[Pattern, Pattern], candidate: Values, reference: Values
) -> dict[str, Arrangement]:
    """Return what each of the candidate's layers that the patterns name is. Raises `ModelError`."""
    found: dict[str, Arrangement] = {}
    for mine, theirs in layers.items():
        mine, theirs = _names(mine), _names(theirs)
        if len(mine) > 1 and len(theirs) > 1:
            raise ModelError(f"layers: {mine} to {theirs}: one side of a pair must be a single layer")
        for indices in _indices(mine[0], candidate):
            ours = [_there(_filled(name, indices), candidate, "candidate") for name in mine]
            others = [_there(_filled(name, indices), reference, "reference") for name in theirs]
            found |= _split(ours, others[0], candidate, reference) if len(ours) > 1 else {
                ours[0]: _joined(ours[0], others, candidate, reference)
            }  # fmt: skip
    return found


def _names(pattern: Pattern) -> tuple[str, ...]:
    return (pattern,) if isinstance(pattern, str) else tuple(pattern)


def _indices(pattern: str, names: Values) -> list[dict[str, str]]:
    """Return the indices with which a pattern is one of the names; "" is the number of a further call."""
    parts = re.split(r"\{(\w+)\}", pattern)
    expression, seen = "", set()
    for place, part in enumerate(parts):
        if place % 2 == 0:
            expression += re.escape(part)
        else:
            expression += f"(?P={part})" if part in seen else f"(?P<{part}>[0-9]+)"
            seen.add(part)
    found = [re.fullmatch(f"{expression}(?P<call_>#[0-9]+)?", name) for name in names]
    matches = [match.groupdict(default="") for match in found if match]
    if not matches:
        raise ModelError(
            f"layers: {pattern!r} matches none of the candidate's layers{nearest(pattern, names)}"
        )
    return matches


def _filled(pattern: str, indices: Mapping[str, str]) -> str:
    """Return the name that a pattern is with these indices."""
    unknown = set(re.findall(r"\{(\w+)\}", pattern)) - indices.keys()
    if unknown:
        raise ModelError(f"layers: {pattern!r} has {{{min(unknown)}}}, which its other side does not have")
    return re.sub(r"\{(\w+)\}", lambda place: indices[place[1]], pattern) + indices["call_"]


def _there(name: str, values: Values, side: str) -> str:
    if name not in values:
        raise ModelError(f"layers: the {side} has no layer {name!r}{nearest(name, values)}")
    return name


def _joined(name: str, sources: Sequence[str], candidate: Values, reference: Values) -> Arrangement:
    """Return one of the candidate's layers from one or several of the reference's."""
    shape = candidate[name].shape
    places = Places({source: reference[source].shape for source in sources})
    if len(sources) == 1:
        views = list(shape_views(reference[sources[0]].shape, shape, reshapes=False))
        ways = [from_view(sources[0], reference[sources[0]].shape, view, shape) for view in views]
        if places.shapes[sources[0]] != shape and reference[sources[0]].size == candidate[name].size:
            blank = np.empty(places.shapes[sources[0]], np.int8)
            ways.append(from_view(sources[0], blank.shape, blank, shape))
    else:
        parts = [places.of(source) for source in sources]
        ways = [from_index(index, places) for index in _concatenations(parts) if index.shape == shape]
    if not ways:
        theirs = " and ".join(f"{source!r} {places.shapes[source]}" for source in sources)
        raise ModelError(f"layers: {name!r} of shape {shape} cannot be {theirs}: no order of the axes fits")
    apart = [_apart(candidate[name], way, reference) for way in ways]
    nearest_way = int(np.argmin(apart))
    return ways[nearest_way if apart[nearest_way] < CLEARLY * apart[0] else 0]


def _split(names: Sequence[str], source: str, candidate: Values, reference: Values) -> dict[str, Arrangement]:
    """Return several of the candidate's layers as the parts of one of the reference's."""
    places = Places({source: reference[source].shape})
    shapes = [candidate[name].shape for name in names]
    whole, choices = places.of(source), []
    for axis in range(whole.ndim):
        ends = np.cumsum([shape[axis] if axis < len(shape) else 0 for shape in shapes])
        if ends[-1] == whole.shape[axis]:
            parts = np.split(whole, ends[:-1], axis)
            if [part.shape for part in parts] == shapes:
                choices.append([from_index(part, places) for part in parts])
    if not choices:
        given = ", ".join(f"{name!r} {shape}" for name, shape in zip(names, shapes, strict=True))
        raise ModelError(f"layers: {given} are not {source!r} {whole.shape} along any axis")

    apart = [
        sum(_apart(candidate[name], part, reference) for name, part in zip(names, parts, strict=True))
        for parts in choices
    ]
    return dict(zip(names, choices[int(np.argmin(apart))], strict=True))


def _concatenations(parts: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the parts one after another along each axis that fits."""
    if any(one.ndim != other.ndim for one, other in pairwise(parts)):
        return
    for axis in range(parts[0].ndim):
        if all(
            np.delete(a.shape, axis).tolist() == np.delete(b.shape, axis).tolist() for a, b in pairwise(parts)
        ):
            yield np.concatenate(parts, axis)


def _apart(value: np.ndarray, way: Arrangement, reference: Values) -> float:
    """Return how far a layer is from what the way makes; infinite where that is not a number."""
    made = way.apply([np.asarray(reference[source], np.float64) for source in way.sources])
    apart = float(np.linalg.norm(np.asarray(value, np.float64) - made))
    return apart if np.isfinite(apart) else float("inf")
