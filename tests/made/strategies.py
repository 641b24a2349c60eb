"""Hypothesis's strategies for whatever `samestep.codec` can write and read again."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from samestep.field_checks import (
    LARGEST,
    MOST,
    MOST_CALLS,
    MOST_REPEATS,
    SMALLEST,
    amount,
    calls,
    count,
    not_negative,
    positive_count,
    repeats,
)

#: No half of a surrogate pair: no file can hold one.
texts = st.text(st.characters(codec="utf-8"), max_size=5)
amounts = st.floats(SMALLEST, LARGEST)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)

#: Bytes that mean something to a reader of JSON, of gzip or of zip files.
TELLING = [
    b"\0",
    b"\xff",
    b"\n",
    b"{",
    b"[" * 60,
    b"9" * 5000,
    b"NaN",
    b"1e999",
    b'"\\ud800"',
    b"\x1f\x8b",
    b"PK\x03\x04",
]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return bytes of which a few pieces were flipped, cut out, written twice or written over."""
    made = whole
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(made)))
        end = draw(st.integers(start, min(len(made), start + draw(st.sampled_from([1, 8, 10_000])))))
        piece = made[start:end]
        new = draw(st.one_of(
            st.just(b""), st.just(2 * piece), st.just(bytes(byte ^ 4 for byte in piece)),
            st.sampled_from(TELLING), st.binary(max_size=8),
        ))  # fmt: skip
        made = made[:start] + new + made[end:]
    return made


SCALARS: dict[object, st.SearchStrategy[object]] = {
    str: texts,
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(),
    types.NoneType: st.none(),
    object: json_values,
    Path: texts.map(Path),
}
CHECKED: dict[object, st.SearchStrategy[object]] = {
    count: st.integers(0, MOST - 1),
    positive_count: st.integers(1, MOST - 1),
    repeats: st.integers(1, MOST_REPEATS),
    calls: st.integers(1, MOST_CALLS),
    amount: amounts,
    not_negative: st.just(0.0) | amounts,
}


@cache
def values_of(kind: typing.Any) -> st.SearchStrategy[typing.Any]:
    """Return a strategy for the values of an annotation; sequences are tuples, as the codec reads them."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return CHECKED[arguments[1]]
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values_of(one) for one in arguments])
    if origin is tuple and arguments[-1] is not Ellipsis:
        return st.tuples(*map(values_of, arguments))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(texts, values_of(arguments[1]), max_size=3)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{one.name: values_of(hints[one.name]) for one in fields(kind) if one.init})
    return SCALARS[kind]
