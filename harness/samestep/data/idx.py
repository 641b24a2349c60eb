"""Reads IDX files, gzipped or not, and believes nothing that they say about themselves.

An IDX file is a big-endian header (a magic number, then one count for each dimension) and the bytes.
No more is ever read than the header announces, plus one byte, and the header may announce no more than
a known limit: a small file that unpacks to a huge one costs nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from .errors import DataCorrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["images", "labels"]
MAGIC = {"images": 0x0803, "labels": 0x0801}  # unsigned bytes, three dimensions and one
INNER: dict[str, tuple[int, ...]] = {"images": (28, 28), "labels": ()}  # the shape of one item
CLASSES = 10
MOST_ITEMS = 100_000  # MNIST and Fashion-MNIST have 60,000
WORD = 4  # bytes of one number in the header


class Readable(Protocol):
    """A binary stream, packed or not."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Content:
    """The items of a file, (n, 784) or (n,) read-only bytes, and the SHA-256 of it all unpacked."""

    items: NDArray[np.uint8]
    sha256: str


def header(kind: Kind, count: int) -> bytes:
    """The bytes with which an IDX file of so many items begins."""
    return b"".join(number.to_bytes(WORD, "big") for number in (MAGIC[kind], count, *INNER[kind]))


def item_bytes(kind: Kind) -> int:
    return math.prod(INNER[kind])


def file_bytes(kind: Kind, count: int) -> int:
    """How long an unpacked IDX file of so many items is."""
    return len(header(kind, count)) + count * item_bytes(kind)


def read(path: Path, kind: Kind) -> Content:
    """The content of an IDX file; ``DataCorrupt`` says in one line what is wrong with it."""
    try:
        with opened(path) as stream:
            count = read_header(stream, path, kind)
            return checked(stream, path, kind, count)
    except (OSError, EOFError, zlib.error) as error:
        raise DataCorrupt(path, f"cannot be read ({error or type(error).__name__})") from error


@contextmanager
def opened(path: Path) -> Iterator[Readable]:
    """A file's unpacked bytes. Its first two bytes, not its name, say whether it is gzipped."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream
        else:
            yield raw


def read_header(stream: Readable, path: Path, kind: Kind) -> int:
    """Checks the header and returns the number of items that it announces."""
    length = len(header(kind, 0))
    got = stream.read(length)
    if len(got) < length:
        raise DataCorrupt(path, f"ends after {len(got)} bytes, inside its {length}-byte header")
    magic, count, *inner = (int.from_bytes(got[i : i + WORD], "big") for i in range(0, length, WORD))
    if magic != MAGIC[kind]:
        raise DataCorrupt(path, f"magic number {magic:#010x} is not that of {kind} ({MAGIC[kind]:#010x})")
    if not 1 <= count <= MOST_ITEMS:
        raise DataCorrupt(path, f"announces {count} {kind}, which is not between 1 and {MOST_ITEMS}")
    if tuple(inner) != INNER[kind]:
        raise DataCorrupt(path, f"announces {kind} of {' x '.join(map(str, inner))} pixels, not 28 x 28")
    return count


def checked(stream: Readable, place: str | Path, kind: Kind, count: int) -> Content:
    """Reads ``count`` items, to the end of the stream and not a byte more; labels must be 0 to 9."""
    import numpy as np

    announced = count * item_bytes(kind)
    got = stream.read(announced + 1)
    if len(got) < announced:
        raise DataCorrupt(place, f"truncated: {count} {kind} need {announced} bytes, it has {len(got)}")
    if len(got) > announced:
        raise DataCorrupt(place, f"has more bytes than the {announced} of the {count} {kind} it announces")
    digest = hashlib.sha256(header(kind, count))
    digest.update(got)
    items = np.frombuffer(got, np.uint8)  # read-only, since bytes are
    if kind == "labels" and items.max() >= CLASSES:
        first = int(np.argmax(items >= CLASSES))
        raise DataCorrupt(place, f"label {items[first]} at index {first} is not between 0 and {CLASSES - 1}")
    return Content(items.reshape(count, -1) if kind == "images" else items, digest.hexdigest())
