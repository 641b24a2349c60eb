"""Frozen dataclasses to JSON and back, by their annotations: one reader and one writer for all that travels.

A field is a text, a number, a bool, a path, a dataclass, or a sequence, mapping or union of those; ``object``
takes anything, and another class (an array) an instance of it, as it is. ``Annotated[float, check]`` asks
``check(value)`` as well. Fields that a document lacks take their defaults, and fields that a dataclass lacks
are ignored: documents of other versions can be read. Numbers that are not finite are the strings "nan", "inf"
and "-inf": JSON has none. Half of a surrogate pair, which no file can hold, is written as its escape.
"""

from __future__ import annotations

import math
import reprlib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Reader = Callable[[object], object]

NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Malformed(ValueError):
    """A document is not what an annotation says: ``place`` is the path of fields to the first wrong value."""

    def __init__(self, place: tuple[str, ...], value: object) -> None:
        shown = value if isinstance(value, str) else reprlib.repr(value)  # bounded in depth and in length
        super().__init__(f"{'.'.join(place) or 'the document'} is {shown[:40]!r}")
        self.place = place
        self.value = value

    def inside(self, name: str) -> Malformed:
        """Return the same error, as the owner of the value sees it."""
        return Malformed((name, *self.place), self.value)


def in_json(name: str = "", *, flat: bool = False, omit: bool = False) -> dict[str, object]:
    """Return the metadata of a dataclass field that JSON knows by another name.

    With ``flat`` the fields of the value, a dataclass, stand among those of its owner; with ``omit`` a value
    that equals its default is not written.
    """
    return {"name": name, "flat": flat, "omit": omit}


def encode(value: object) -> typing.Any:
    """Return what `json.dumps` takes: dicts, lists, texts, finite numbers, bools and None."""
    if is_dataclass(value) and not isinstance(value, type):
        return _encode_fields(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, Mapping):
        return {_text(str(key)): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return _text(str(value)) if isinstance(value, str | Path) else value


def decode(kind: type[T], document: object) -> T:
    """Return the ``kind`` that a document of `json.loads` describes. Raises `Malformed`."""
    return typing.cast(T, _reader(typing.cast(typing.Hashable, kind))(document))


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _encode_fields(value: object) -> dict[str, object]:
    document: dict[str, object] = {}
    for one in fields(value):  # type: ignore[arg-type]  # the caller asked is_dataclass
        item = getattr(value, one.name)
        if one.metadata.get("omit") and item == _default(one):
            continue
        if one.metadata.get("flat"):
            document |= encode(item)
        else:
            document[_key(one)] = encode(item)
    return document


def _key(one: Field[typing.Any]) -> str:
    return str(one.metadata.get("name") or one.name)


def _default(one: Field[typing.Any]) -> object:
    return one.default_factory() if one.default_factory is not MISSING else one.default


@cache
def _reader(kind: typing.Any) -> Reader:
    """Return the function that reads one annotation; made once for each."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _checked(_reader(arguments[0]), arguments[1:])
    if origin in (typing.Union, types.UnionType):
        return _either([_reader(one) for one in arguments])
    if origin is typing.Literal:
        return _scalar(lambda value: value in arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return _tuple([_reader(one) for one in arguments])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_reader(arguments[1]))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _sequence(_reader(arguments[0]))
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    return SCALARS.get(kind) or _scalar(lambda value: isinstance(value, kind))


def _scalar(fits: Callable[[object], bool]) -> Reader:
    def read(value: object) -> object:
        if not fits(value):
            raise Malformed((), value)
        return value

    return read


def _float(value: object) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Malformed((), value)
    try:
        return float(value)
    except OverflowError:  # an integer beyond the floating-point range
        raise Malformed((), value) from None


def _path(value: object) -> Path:
    if not isinstance(value, str):
        raise Malformed((), value)
    return Path(value)


SCALARS: dict[object, Reader] = {
    str: _scalar(lambda value: isinstance(value, str)),
    bool: _scalar(lambda value: isinstance(value, bool)),
    int: _scalar(lambda value: type(value) is int),
    types.NoneType: _scalar(lambda value: value is None),
    object: lambda value: value,
    float: _float,
    Path: _path,
}


def _checked(read: Reader, checks: Sequence[Callable[[object], bool]]) -> Reader:
    def read_and_check(value: object) -> object:
        found = read(value)
        if not all(check(found) for check in checks):
            raise Malformed((), value)
        return found

    return read_and_check


def _either(readers: Sequence[Reader]) -> Reader:
    def read(value: object) -> object:
        wrongs: list[Malformed] = []
        for one in readers:
            try:
                return one(value)
            except Malformed as wrong:
                wrongs.append(wrong)
        raise max([Malformed((), value), *wrongs], key=lambda error: len(error.place))

    return read


def _sequence(item: Reader) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise Malformed((), value)
        return tuple(_inside(str(number), item, one) for number, one in enumerate(value))

    return read


def _tuple(items: Sequence[Reader]) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, list) or len(value) != len(items):
            raise Malformed((), value)
        return tuple(
            _inside(str(n), item, one) for n, (item, one) in enumerate(zip(items, value, strict=True))
        )

    return read


def _mapping(item: Reader) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            raise Malformed((), value)
        return {name: _inside(name, item, one) for name, one in value.items()}

    return read


def _inside(name: str, read: Reader, value: object) -> object:
    try:
        return read(value)
    except Malformed as wrong:
        raise wrong.inside(name) from None


def _dataclass(kind: type) -> Reader:
    hints = typing.get_type_hints(kind, include_extras=True)
    known = [(one, _reader(hints[one.name])) for one in fields(kind) if one.init]

    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            raise Malformed((), value)
        found = {}
        for one, reader in known:
            if one.metadata.get("flat"):
                found[one.name] = reader(value)
            elif _key(one) in value:
                found[one.name] = _inside(_key(one), reader, value[_key(one)])
            elif _default(one) is MISSING:
                raise Malformed((_key(one),), None)
        return kind(**found)

    return read
