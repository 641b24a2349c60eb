"""What a user's ``convert`` does to each element, found by running it on arrays that number the elements.

If every element of what comes out is one number, ``convert`` moves elements, and its gradients and updates
follow without calling it again. If not, each parameter is run alone, then its slices, which shows sums and
factors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from samestep.agreement.arithmetic.program import intended_number
from samestep.models.pairing.arrangement import Arrangement, Places, from_index
from samestep.models.pairing.value_table import ValueTable, as_held, is_constant, views
from samestep.models.subject import ModelError, first_line
from samestep.nearest_name import listed, nearest

Values = Mapping[str, np.ndarray]
Convert = Callable[[dict[str, np.ndarray]], object]

#: Integers up to 2^24 are exact in float32, and up to 2^8 in bfloat16.
FLOAT32_DIGITS, HALF_DIGITS = 2**24, 2**8

#: Slices of one parameter that are added up are looked for along axes of at most this length: two biases.
MOST_PARTS = 8


def analyse(convert: Convert, reference: Values, candidate: Values) -> dict[str, tuple[Arrangement, ...]]:
    """Return what each of the candidate's parameters is made of; nothing for one that is constant.

    Raises `ModelError`.
    """
    run = _Converter(convert, candidate)
    real = run({name: np.array(value) for name, value in reference.items()})
    _check_shapes(real, candidate)
    base = HALF_DIGITS if any(value.dtype.itemsize < 4 for value in real.values()) else FLOAT32_DIGITS
    places = Places({name: np.shape(value) for name, value in reference.items()})
    probe = _random(reference, seed=0)
    arrived = run(probe)
    found: dict[str, tuple[Arrangement, ...]] = {
        name: () for name in real if np.array_equal(arrived[name], real[name])
    }
    moved = _moved_whole(run, places, base)
    found |= {name: (way,) for name, way in moved.items() if _explains((way,), probe, arrived[name])}
    left = [name for name in real if name not in found]
    labels = _labels(run, places, base, left) if left else {}
    for name, index in labels.items():
        terms: tuple[Arrangement, ...] = ()
        if index is not None and (index >= 0).any() and (index < places.starts[-1]).all():
            terms = (from_index(index, places),)
        if not terms or not _explains(terms, probe, arrived[name]):
            terms = _terms_of_each(run, name, places, base)
        if not _explains(terms, probe, arrived[name]) or not _explains(terms, reference, real[name]):
            raise ModelError(
                f"convert: {name!r} is not made of the reference's elements, moved, scaled or added: convert "
                "may transpose, reshape, split, stack, pad, scale and add, and nothing else"
            )
        found[name] = terms
    return {name: found[name] for name in real}


def _moved_whole(run: _Converter, places: Places, base: int) -> dict[str, Arrangement]:
    """Return the parameters that are one whole tensor with its axes moved: no index is needed for those."""
    table = ValueTable(_numbered(places, 0, base), np.dtype(np.float32))
    found = {}
    for name, value in run(dict(table.arrays)).items():
        held = as_held(value, np.dtype(np.float32))
        ways = [way for source in table.holders(held) for way in views(source, table.arrays[source], held)]
        if len(ways) == 1 and not is_constant(held):
            found[name] = ways[0]
    return found


class _Converter:
    """``convert`` with its result by the candidate's names, as NumPy arrays; it may change what it gets."""

    def __init__(self, convert: Convert, candidate: Values) -> None:
        self.convert, self.candidate = convert, candidate

    def __call__(self, reference: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            given = {name: np.array(value) for name, value in reference.items()}
            result = self.convert(_Asked(given, self.candidate))
        except ModelError:
            raise
        except Exception as error:  # it is the user's code: whatever it raises is reported, with its cause
            raise ModelError(f"convert raises {type(error).__name__}: {first_line(error)}") from error
        if not isinstance(result, Mapping | list | tuple):
            raise ModelError(f"convert returns {type(result).__name__}, not the candidate's arrays by name")
        flat = _under_names(result, self.candidate)
        missing = [name for name in self.candidate if name not in flat]
        extra = [name for name in flat if name not in self.candidate]
        if missing:
            near = nearest(missing[0], extra) if extra else ""
            raise ModelError(f"convert does not return {listed(missing)}, which the candidate has{near}")
        if extra:
            raise ModelError(
                f"convert returns {listed(extra)}, which the candidate does not have"
                f"{nearest(extra[0], self.candidate)}"
            )
        return {name: np.asarray(flat[name]) for name in self.candidate}


class _Asked(dict[str, np.ndarray]):
    """The reference's parameters; a name that is not there is an error that names the nearest."""

    def __init__(self, reference: Values, candidate: Values) -> None:
        super().__init__(reference)
        self.candidate = candidate

    def __missing__(self, name: str) -> np.ndarray:
        if name in self.candidate:
            raise ModelError(
                f"convert asks for {name!r}, which is the candidate's: it is given the reference's "
                "parameters and returns the candidate's; are the two swapped?"
            )
        raise ModelError(f"convert asks for {name!r}, which the reference does not have{nearest(name, self)}")


def _under_names(result: object, candidate: Values) -> dict[str, object]:
    """Return the leaves of what ``convert`` returned, joined as the candidate's names are."""
    paths = list(_leaves(result, ()))
    joined = [{sep.join(path): leaf for path, leaf in paths} for sep in ("/", ".")]
    return max(joined, key=lambda names: len(names.keys() & candidate.keys()))


def _leaves(tree: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(tree, Mapping):
        for key, inner in tree.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(tree, list | tuple):
        for number, inner in enumerate(tree):
            yield from _leaves(inner, (*path, str(number)))
    elif tree is not None:
        yield path, tree


def _check_shapes(real: Values, candidate: Values) -> None:
    for name, value in real.items():
        wanted = np.shape(candidate[name])
        if value.shape != wanted:
            fits = " (a transpose fits)" if sorted(value.shape) == sorted(wanted) else ""
            raise ModelError(
                f"convert returns {name!r} of shape {value.shape}, the candidate's is {wanted}{fits}"
            )


def _numbered(places: Places, digit: int, base: int) -> dict[str, np.ndarray]:
    """Return arrays that hold one digit of the place of each element, plus 1."""
    power = (base - 1) ** digit
    return {name: (places.of(name) // power % (base - 1) + 1).astype(np.float32) for name in places.names}


def _labels(run: _Converter, places: Places, base: int, names: Sequence[str]) -> dict[str, np.ndarray | None]:
    """Return the place that each element of each parameter comes from, -1 for a zero; None without one.

    Places are written in digits of 1 to base - 1, each exact in the arrays' dtype; one run for each digit.
    """
    total, digits = int(places.starts[-1]), 1
    while (base - 1) ** digits < total:
        digits += 1
    found: dict[str, np.ndarray | None] = {}
    for digit in reversed(range(digits)):
        arrived = run(_numbered(places, digit, base))
        for name in names:
            before = found.get(name, np.zeros(arrived[name].shape, np.int64))
            found[name] = None if before is None else _next_digit(before, arrived[name], base)
    return {name: None if value is None else np.where(value < 0, -1, value) for name, value in found.items()}


def _next_digit(before: np.ndarray, value: np.ndarray, base: int) -> np.ndarray | None:
    digit = value.astype(np.float64)
    if not ((digit == np.rint(digit)) & (digit >= 0) & (digit < base)).all():
        return None
    # A zero stays a zero in every digit: -1 times a power of the base, below 0 in the end.
    return before * (base - 1) + np.rint(digit).astype(np.int64) - 1


def _meant(factor: float) -> float:
    """The number that float32 has rounded: 0.3 for 0.300000012, as the code of the models is read."""
    number = intended_number(float(factor))
    return float(factor) if number is None else number


def _terms_of_each(run: _Converter, name: str, places: Places, base: int) -> tuple[Arrangement, ...]:
    """Return the terms of ``name``: one for each of the reference's parameters, or part of one."""
    zeros = {other: np.zeros(shape, np.float32) for other, shape in places.shapes.items()}
    if run(zeros)[name].any():
        raise ModelError(f"convert is not linear: {name!r} is not 0 where all of the reference's are")
    terms: list[Arrangement] = []
    for source, shape in places.shapes.items():
        probe = _random({source: np.empty(shape)}, seed=1)[source]
        arrived = run({**zeros, source: probe})[name]
        for masks in _cuts(shape):
            found = [_term(run, name, zeros, source, mask, base) for mask in masks]
            own = [term for term in found if term is not None]
            if len(masks) > 1 and any(np.ndim(term.weight) for term in own):
                continue  # a product with a matrix, which is more than adding up
            if _explains(own, {source: probe}, arrived):
                terms += own
                break
    return tuple(terms)


def _cuts(shape: tuple[int, ...]) -> Iterator[list[np.ndarray]]:
    """Yield masks of a parameter: all of it, then cut along an axis, the shortest first."""
    yield [np.ones(shape, bool)]
    for axis in sorted((n for n in range(len(shape)) if 1 < shape[n] <= MOST_PARTS), key=shape.__getitem__):
        yield [np.broadcast_to(np.indices(shape, sparse=True)[axis] == n, shape) for n in range(shape[axis])]


def _term(
    run: _Converter, name: str, zeros: Values, source: str, mask: np.ndarray, base: int
) -> Arrangement | None:
    """Return what the masked elements of one parameter add to ``name``; None where it is nothing."""
    weight = run({**zeros, source: mask.astype(np.float32)})[name].astype(np.float64)
    if not weight.any():
        return None
    own = Places({source: mask.shape})
    term = from_index(_index_under_weights(run, name, zeros, own, mask, weight, base), own)
    constant = np.unique(weight[weight != 0])
    factor = _meant(constant[0]) if len(constant) == 1 else np.where(weight == 0, 1.0, weight)
    words = f"{factor:.6g} * {source}" if len(constant) == 1 and factor != 1 else source
    return replace(term, weight=factor, words=f"{words} ({term.how})")


def _index_under_weights(
    run: _Converter, name: str, zeros: Values, own: Places, mask: np.ndarray, weight: np.ndarray, base: int
) -> np.ndarray:
    """Return the places in one parameter whose elements, times ``weight``, make ``name``."""
    (source,) = own.names
    labels, index, digit = own.of(source), np.zeros(weight.shape, np.int64), 1
    there = weight != 0
    while digit <= max(labels.size - 1, 1):
        array = (labels // digit % (base - 1) * mask).astype(np.float32)
        value = run({**zeros, source: array})[name].astype(np.float64)
        found = np.rint(np.divide(value, weight, out=np.zeros(weight.shape), where=there)).astype(np.int64)
        index += np.clip(found, 0, base - 2) * digit
        digit *= base - 1
    return np.where(there, np.minimum(index, labels.size - 1), -1)


def _random(reference: Values, seed: int) -> dict[str, np.ndarray]:
    """Return random integers of up to 6 bits: every dtype holds them and their sums exactly."""
    rng = np.random.default_rng(seed)
    return {k: rng.integers(-31, 32, np.shape(v)).astype(np.float32) for k, v in reference.items()}


def _explains(terms: Sequence[Arrangement], reference: Values, arrived: np.ndarray) -> bool:
    """Return whether the terms make ``arrived``, to the rounding of its dtype and of one multiplication."""
    if len(terms) == 1 and not terms[0].weight_differs:
        moved = terms[0].apply([reference[name] for name in terms[0].sources])
        return np.array_equal(moved.astype(arrived.dtype), arrived)
    made, size = np.zeros(arrived.shape), np.zeros(arrived.shape)
    for term in terms:
        part = term.apply([np.asarray(reference[name], np.float64) for name in term.sources])
        made, size = made + part, size + np.abs(part)
    spacing = np.finfo(np.float32).eps if arrived.dtype.itemsize >= 4 else 1 / HALF_DIGITS
    allowed = size * spacing * len(terms)
    return bool((np.abs(arrived.astype(np.float64) - made) <= allowed).all())
