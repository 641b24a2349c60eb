"""Reads Keras's mnist.npz as idx.py reads IDX: with bounds, and never a pickle.

An npz is a zip of npy files, each a header (a Python dict, as text) and the bytes. ``numpy.load``
evaluates the header and allocates what it announces; here it must equal the one header that the set has, and
nothing is evaluated. Members are stored or deflated, as NumPy writes them: no other decompressor is reached.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from . import idx
from .exceptions import DataCorrupt
from .sets import Part

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOST_BYTES = idx.file_bytes("images", idx.MOST_ITEMS)  # of the archive: its directory is read whole
MAGIC = b"\x93NUMPY\x01\x00"  # version 1.0; two bytes follow, the length of the text


def read(path: Path, part: Part) -> idx.Content:
    """Return one member of the npz, with the SHA-256 of the same items as an IDX file.

    Raises `DataCorrupt`.
    """
    place = f"{path}:{part.member}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataCorrupt(path, f"is larger than {MOST_BYTES} bytes, which no set needs")
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{part.member}.npy")
            if member.compress_type not in METHODS:
                raise DataCorrupt(place, "is neither stored nor deflated, as NumPy writes its members")
            with archive.open(member) as stream:
                read_header(stream, place, part)
                return idx.read_items(stream, place, part.kind, part.count)
    except KeyError as error:
        raise DataCorrupt(path, f"has no member {part.member}") from error
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise DataCorrupt(place, f"cannot be read ({error or type(error).__name__})") from error


def read_header(stream: idx.Readable, place: str, part: Part) -> None:
    """Check that a member is the part's number of items, in unsigned bytes. Raises `DataCorrupt`."""
    magic = stream.read(len(MAGIC))
    if magic != MAGIC:
        raise DataCorrupt(place, f"begins with {magic!r} and is not an npy file of version 1.0")
    got = stream.read(int.from_bytes(stream.read(2), "little")).strip()
    shape = (part.count, *idx.INNER[part.kind])
    wanted = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    if got != wanted.encode():
        raise DataCorrupt(place, f"its header {got[:100]!r} is not {wanted}")
