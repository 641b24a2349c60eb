"""Pair layers whose values say nothing, because they come after a fault: by their names and places.

Between layers that are paired already, both sides call theirs in the same order. Names help: if
``Block_0/LayerNorm_0`` is ``h.0.ln_1``, then ``Block_3/LayerNorm_0`` is ``h.3.ln_1``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from samestep.models.pairing.arrangement import Arrangement, from_view
from samestep.models.pairing.linear_map import Values
from samestep.models.pairing.loops import Shape, only_merges
from samestep.models.pairing.parameter_names import common_tail, path, tokens
from samestep.models.pairing.value_table import shape_views

#: What a pair of layers is worth for lying in the same place, and for names whose like is paired already.
PLACE, KNOWN_NAMES = 1.0, 8.0


def by_position(
    candidate: Values, reference: Values, paired: Mapping[str, Arrangement]
) -> dict[str, Arrangement]:
    """Return partners for the layers that are not ``paired``, in the same order on both sides.

    What is left then may be called in another order under the same name.
    """
    known = {_template(name, way.sources[0]): way for name, way in paired.items()}
    taken = {way.sources[0] for way in paired.values()}
    found: dict[str, Arrangement] = {}
    for mine, theirs in _gaps([*candidate], [*reference], paired):
        free = [name for name in theirs if name not in taken]
        worth = np.array([[_worth(a, b, candidate, reference, known) for b in free] for a in mine])
        for i, j in _best_order(worth.reshape(len(mine), len(free))):
            way = _way(mine[i], free[j], candidate, reference, known)
            if way is not None:
                found[mine[i]] = way
    left = {name: value for name, value in candidate.items() if name not in paired and name not in found}
    taken |= {way.sources[0] for way in found.values()}
    unused = {name: value for name, value in reference.items() if name not in taken}
    return found | _under_one_name(left, unused, known)


def _under_one_name(
    candidate: Values, reference: Values, known: Mapping[tuple[str, str, tuple[int, ...]], Arrangement]
) -> dict[str, Arrangement]:
    """Return partners for layers that are called in another order, where just one has the same name."""
    found: dict[str, Arrangement] = {}
    for mine in candidate:
        taken = {way.sources[0] for way in found.values()}
        named = [other for other in reference if other not in taken and _have_one_name(mine, other)]
        if len(named) == 1 and _worth(mine, named[0], candidate, reference, known):
            way = _way(mine, named[0], candidate, reference, known)
            found |= {} if way is None else {mine: way}
    return found


def told_by_names(
    reference: Values, near: Mapping[str, Arrangement], trusted: Mapping[str, Arrangement]
) -> dict[str, Arrangement]:
    """Return ``near`` without layers whose partner has another layer too, where names tell of a free one.

    A block that lost its residual has the values of its last layer, and is the block all the same.
    """
    users = Counter(way.sources[0] for way in near.values())
    known = {_template(name, way.sources[0]) for name, way in near.items() if users[way.sources[0]] == 1}
    free = [name for name in reference if name not in users]

    def names_known(one: str, other: str) -> bool:
        return _template(one, other) in known and bool(re.search("[a-z]", other))

    def is_free(name: str, way: Arrangement) -> bool:
        return (
            name not in trusted
            and users[way.sources[0]] > 1
            and _template(name, way.sources[0]) not in known
            and any(_have_one_name(name, other) or names_known(name, other) for other in free)
        )

    return {name: way for name, way in near.items() if not is_free(name, way)}


def _gaps(
    candidate: Sequence[str], reference: Sequence[str], paired: Mapping[str, Arrangement]
) -> list[tuple[list[str], list[str]]]:
    """Return the stretches of both sides between layers that are paired in the same order."""
    place = {name: position for position, name in enumerate(reference)}
    anchors = _increasing([(name, place[paired[name].sources[0]]) for name in candidate if name in paired])
    gaps: list[tuple[list[str], list[str]]] = []
    mine: list[str] = []
    start = 0
    for name in candidate:
        if name in anchors:
            gaps.append((mine, list(reference[start : anchors[name]])))
            mine, start = [], anchors[name] + 1
        elif name not in paired:
            mine.append(name)
    gaps.append((mine, list(reference[start:])))
    return [gap for gap in gaps if all(gap)]


def _increasing(pairs: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Return the longest part of the pairs whose places increase."""
    lengths: list[int] = []
    before: list[int] = []
    for i, (_, place) in enumerate(pairs):
        earlier = [j for j in range(i) if pairs[j][1] < place]
        best = max(earlier, key=lambda j: lengths[j], default=-1)
        before.append(best)
        lengths.append(1 + (lengths[best] if best >= 0 else 0))
    kept, i = {}, int(np.argmax(lengths)) if lengths else -1
    while i >= 0:
        kept[pairs[i][0]] = pairs[i][1]
        i = before[i]
    return kept


def _template(one: str, other: str) -> tuple[str, str, tuple[int, ...]]:
    """Return both names without their numbers, and how far the numbers are apart."""
    numbers = [[int(n) for n in re.findall("[0-9]+", name)] for name in (one, other)]
    words = [re.sub("[0-9]+", "{}", name) for name in (one, other)]
    return words[0], words[1], tuple(a - b for a, b in zip(*numbers, strict=False))


def _worth(
    one: str,
    other: str,
    candidate: Values,
    reference: Values,
    known: Mapping[tuple[str, str, tuple[int, ...]], Arrangement],
) -> float:
    """Return how well two layers fit by name and place; 0 where their shapes do not."""
    shape, theirs = candidate[one].shape, reference[other].shape
    if _axes_sorted(shape) != _axes_sorted(theirs):
        heads = common_tail(one, other) > 0 and only_merges(theirs, shape)
        if candidate[one].size != reference[other].size or not (heads or _template(one, other) in known):
            return 0.0
    like_known = _has_word(one) and _has_word(other) and _template(one, other) in known
    names = _common_words(one, other) + KNOWN_NAMES * like_known
    return PLACE + names + _likeness(candidate[one], reference[other])


def _have_one_name(one: str, other: str) -> bool:
    """Return whether two names end in the same two words or more, and all their numbers are the same."""
    numbers = [re.findall("[0-9]+", name) for name in (one, other)]
    return numbers[0] == numbers[1] and _common_words(one, other) > 1


def _has_word(name: str) -> bool:
    """Return whether a name's last part is more than a number, which only counts the parts of a sequence."""
    return any(word.isalpha() for word in tokens(path(name)[-1]))


def _common_words(one: str, other: str) -> int:
    """Return how many words both names end in; a number alone (hidden2 and 2) says nothing."""
    count = common_tail(one, other)
    return count if any(word.isalpha() for word in tokens(one)[len(tokens(one)) - count :]) else 0


def _likeness(value: np.ndarray, source: np.ndarray) -> float:
    """Return 1 where two tensors hold the same, 0 where nothing of one is in the other or shapes differ."""
    if value.shape != source.shape:
        return 0.0
    with np.errstate(all="ignore"):  # infinities on both sides
        size, apart = (float(np.linalg.norm(x.astype(np.float64))) for x in (source, value - source))
    return 1 - apart / size if apart < size else 0.0


def _axes_sorted(shape: Shape) -> list[int]:
    return sorted(n for n in shape if n != 1)


def _best_order(worth: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs, in the same order on both sides, that are worth most together."""
    rows, columns = worth.shape
    best = np.zeros((rows + 1, columns + 1))
    for i in range(rows):
        for j in range(columns):
            both = best[i, j] + worth[i, j]
            best[i + 1, j + 1] = max(best[i, j + 1], best[i + 1, j], both if worth[i, j] > 0 else 0.0)
    pairs, i, j = [], rows, columns
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def _way(
    one: str,
    other: str,
    candidate: Values,
    reference: Values,
    known: Mapping[tuple[str, str, tuple[int, ...]], Arrangement],
) -> Arrangement | None:
    """Return how the reference's layer lies in the candidate's: as its like does, or the nearest fit.

    Its like has a name like it, or else the same shapes: where all axes are as long, others tell their order.
    """
    shape, theirs = candidate[one].shape, reference[other].shape
    like = known.get(_template(one, other))
    alike = [way for way in known.values() if way.source_shapes == (theirs,) and way.shape == shape]
    if alike:
        return replace(like if like in alike else alike[-1], sources=(other,), words="by position")
    reshapes = _axes_sorted(theirs) != _axes_sorted(shape)
    views = shape_views(theirs, shape, reshapes)
    ways = [from_view(other, theirs, view, shape) for view in views if only_merges(view.shape, shape)]
    as_is = [way for way in ways if way.whole and len(way.loops or ()) == 1]
    choice = as_is[:1] or _likeliest(candidate[one], ways, reference[other])
    return replace(choice[0], words="by position") if choice else None


def _likeliest(value: np.ndarray, ways: Sequence[Arrangement], source: np.ndarray) -> list[Arrangement]:
    """Return the way that moves fewest axes, which leaves height and width in order; or one twice as near."""
    ranked = sorted((len(way.loops or ()), _apart(value, way, source), i) for i, way in enumerate(ways))
    near = [entry for entry in ranked if 2 * entry[1] < ranked[0][1]]
    return [ways[min(near, key=lambda entry: entry[1])[2] if near else ranked[0][2]]] if ranked else []


def _apart(value: np.ndarray, way: Arrangement, source: np.ndarray) -> float:
    apart = float(np.linalg.norm((value - way.apply([source])).astype(np.float64)))
    return apart if np.isfinite(apart) else float("inf")
