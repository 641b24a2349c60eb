"""Reads IDX files, gzipped or not, without trusting their headers.

An IDX file is a big-endian header (a magic number, then one count for each dimension) and the bytes
(http://yann.lecun.com/exdb/mnist/).
No more is ever read than the header announces, plus one byte, and the header may announce no more than
a known limit: a decompression bomb costs nothing. A gzipped file has one member, as programs write it:
200,000 empty ones would take seconds and hold nothing.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from .exceptions import DataCorrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["images", "labels"]
MAGIC = {"images": 0x0803, "labels": 0x0801}  # unsigned bytes, three dimensions and one
INNER: dict[str, tuple[int, ...]] = {"images": (28, 28), "labels": ()}  # the shape of one item
CLASSES = 10
MOST_ITEMS = 100_000  # MNIST and Fashion-MNIST have 60,000
WORD = 4  # bytes of one number in the header
PACKED = b"\x1f\x8b"  # how a gzip file begins
GZIP_FORM = 16 + zlib.MAX_WBITS  # zlib's number for: a gzip header, and its checksum at the end
CHUNK = 1 << 16


class Readable(Protocol):
    """A binary stream of unpacked bytes."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Content:
    """The items, read-only uint8 of shape (n, 784) or (n,), and the SHA-256 of the unpacked file."""

    items: NDArray[np.uint8]
    sha256: str


def header(kind: Kind, count: int) -> bytes:
    """Return the header of an IDX file of ``count`` items."""
    return b"".join(number.to_bytes(WORD, "big") for number in (MAGIC[kind], count, *INNER[kind]))


def item_bytes(kind: Kind) -> int:
    """Return the size of one item in bytes."""
    return math.prod(INNER[kind])


def file_bytes(kind: Kind, count: int) -> int:
    """Return the size in bytes of an unpacked IDX file of ``count`` items."""
    return len(header(kind, count)) + count * item_bytes(kind)


def read(path: Path, kind: Kind) -> Content:
    """Return the content of an IDX file. Raises `DataCorrupt`."""
    try:
        with open_unpacked(path) as stream:
            count = read_header(stream, path, kind)
            return read_items(stream, path, kind, count)
    except (OSError, EOFError, zlib.error) as error:
        raise DataCorrupt(path, f"cannot be read ({error or type(error).__name__})") from error


@contextmanager
def open_unpacked(path: Path) -> Iterator[Readable]:
    """Open a file for its unpacked bytes. Its first two bytes, not its name, decide whether it is gzipped."""
    with path.open("rb") as raw:
        packed = raw.read(len(PACKED)) == PACKED
        raw.seek(0)
        yield Unpacked(raw) if packed else raw


class Unpacked:
    """The content of a gzip file of one member, with its checksum; never more of it than is asked for."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw = raw
        self.member = zlib.decompressobj(GZIP_FORM)
        self.rest = b""

    def read(self, size: int, /) -> bytes:
        """Return the next ``size`` bytes, fewer at the end. Raises EOFError, OSError or `zlib.error` where
        the file is cut, goes on behind its member, or is damaged."""
        parts, left = list[bytes](), size
        while left and not self.member.eof:
            packed = self.rest or self.raw.read(CHUNK)
            part = self.member.decompress(packed, left)
            self.rest = self.member.unconsumed_tail
            if not (packed or part):
                raise EOFError("it ends inside its gzip member")
            parts.append(part)
            left -= len(part)
        if self.member.eof and (self.member.unused_data or self.raw.read(1)):
            raise OSError("it goes on behind its gzip member")
        return b"".join(parts)


def read_header(stream: Readable, path: Path, kind: Kind) -> int:
    """Check the header and return the number of items that it announces. Raises `DataCorrupt`."""
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


def read_items(stream: Readable, place: str | Path, kind: Kind, count: int) -> Content:
    """Return the ``count`` items that a stream holds after its header.

    Raises `DataCorrupt` where it holds fewer or more bytes, or a label that is not in 0..9.
    """
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
