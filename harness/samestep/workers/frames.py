"""Frames: how a message goes over a socket between two processes. Whatever is read, nothing of it runs.

A frame begins with a prefix of fixed length: the id of the request that it is or answers, its kind, and the
lengths of what follows, a document in JSON and the bytes of the arrays that the document refers to. An id is
random, so that nobody answers a request who was not asked.
"""

from __future__ import annotations

import json
import math
import reprlib
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from samestep.codec import encode

PREFIX = struct.Struct(">16scQQ")
ID_BYTES = 16
#: What a frame is: a request, its answer, or the word that there will be none.
REQUEST, ANSWER, NO_ANSWER = b"?", b"!", b"-"

#: A longer answer is refused: no network whose certificate fits into memory has one.
MOST_BYTES = 2**33

#: Kinds of dtypes that an array may have: bool, integers, floating and complex numbers.
NUMBERS = "biufc"
#: Arrays begin at multiples of this, as NumPy's own do.
ALIGNMENT = 64
#: The key of an array in a document: its dtype, its shape and its first byte.
ARRAY = "#array"


Buffer = bytes | bytearray | memoryview


class Malformed(ValueError):
    """A document, or an array of it, is not what `pack` writes."""


@dataclass(frozen=True)
class Message:
    """A document in JSON, and the bytes of its arrays."""

    document: bytes
    arrays: Buffer = b""


def pack(value: object) -> Message:
    """Return a value of dataclasses, plain values and arrays as a message."""
    arrays = bytearray()

    def refer(array: object) -> dict[str, object]:
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{type(array).__name__} cannot be sent")
        arrays.extend(bytes(-len(arrays) % ALIGNMENT))
        first = len(arrays)
        arrays.extend(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else b"")
        return {ARRAY: [array.dtype.str, list(array.shape), first]}

    return Message(json.dumps(encode(value), default=refer).encode(), arrays)


def unpack(message: Message) -> object:
    """Return the document of a message, with its arrays in place. Raises `Malformed`."""

    def look_up(found: dict[str, object]) -> object:
        return _array(found[ARRAY], message.arrays) if ARRAY in found else found

    try:
        return json.loads(message.document, object_hook=look_up)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise Malformed(str(error)) from error


def _array(described: Any, data: Buffer) -> np.ndarray:
    """Return the array that a document describes: a view of the data."""
    dtype_name, shape, first = described
    dtype, numbers = np.dtype(str(dtype_name)), [*shape, first]
    if dtype.kind not in NUMBERS or dtype.shape or not all(type(n) is int and n >= 0 for n in numbers):
        raise ValueError(f"{reprlib.repr(described)} describes no array")
    count = math.prod(shape)
    if not count:
        return np.empty(shape, dtype)
    return np.frombuffer(data, dtype, count, first).reshape(shape)
