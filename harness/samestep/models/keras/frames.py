"""What goes between two processes: a header of plain data, and arrays by name, without pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

#: Bytes of the lengths that go before the two parts of a frame.
LENGTH = 8

Header = dict[str, Any]
Arrays = Mapping[str, np.ndarray]


def write_frame(stream: BinaryIO, header: Header, arrays: Arrays) -> None:
    """Write one frame; arrays keep their dtypes and shapes."""
    text = json.dumps({**header, "names": list(arrays)}).encode()
    packed = io.BytesIO()
    np.savez(packed, **{str(index): array for index, array in enumerate(arrays.values())})  # type: ignore[arg-type]
    for part in (text, packed.getvalue()):
        stream.write(len(part).to_bytes(LENGTH, "big"))
        stream.write(part)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[Header, dict[str, np.ndarray]]:
    """Return the next frame. Raises EOFError where the other process has ended."""
    text, packed = (_exactly(stream, int.from_bytes(_exactly(stream, LENGTH), "big")) for _ in range(2))
    header: Header = json.loads(text)
    with np.load(io.BytesIO(packed)) as arrays:
        return header, {name: arrays[str(index)] for index, name in enumerate(header.pop("names"))}


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError(f"{len(data)} of {count} bytes")
    return data
