"""Reads Keras's mnist.npz as idx.py reads IDX: bounded, and never a pickle.

An npz is a zip of npy files, each a header (shape and type) and the bytes. ``numpy.load`` would make
room for whatever the header announces; here the header must announce what the set has.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

from . import idx
from .errors import DataCorrupt
from .sets import Part


def read(path: Path, part: Part) -> idx.Content:
    """One member of the npz, with the SHA-256 that it would have as an IDX file."""
    place = f"{path}:{part.member}"
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{part.member}.npy") as stream:
            read_header(stream, place, part)
            return idx.checked(stream, place, part.kind, part.count)
    except KeyError as error:
        raise DataCorrupt(path, f"has no member {part.member}") from error
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise DataCorrupt(place, f"cannot be read ({error or type(error).__name__})") from error


def read_header(stream: IO[bytes], place: str, part: Part) -> None:
    """Refuses any member that is not plainly so many items of unsigned bytes."""
    import numpy as np

    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise DataCorrupt(place, f"npy version {version} is not (1, 0)")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    wanted = (part.count, *idx.INNER[part.kind])
    if dtype != np.uint8 or by_columns or shape != wanted:
        raise DataCorrupt(place, f"is {dtype} {shape}, not uint8 {wanted}")
