"""Arrays and a document in one sealed file: an .npz without pickle that ends with the SHA-256 of all of it.

``numpy.load`` opens it. Read here it is taken apart by what it must be, never by what it says it is: the
checksum comes first; members are stored, not compressed, so that none is larger than the file; and the header
of each array has to be the very bytes that its line in the document calls for, so none is evaluated.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from samestep.codec import encode
from samestep.errors import SamestepError

#: The version of this container; what the document says has a version of its own.
FORMAT = 1
DOCUMENT = "samestep.json"
#: The zip archive's comment, with which the file ends: this, and 64 hexadecimal digits.
SEAL = b"samestep sealed arrays %d, sha256 "
DIGITS = 64
#: NumPy's own numbers, as npy files write their dtypes; objects, which would be pickled, are none of them.
DTYPES = (
    "|b1", "|i1", "|u1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16",
)  # fmt: skip
#: An npy file's first bytes, with its version 1.0, and what the length of its header is a multiple of.
MAGIC, ALIGNED = b"\x93NUMPY\x01\x00", 64
#: As many axes as NumPy's arrays may have.
MOST_AXES = 64
#: What zip and JSON raise on bytes that were sealed, and yet are not those of `write`.
MALFORMED = (
    ValueError, KeyError, TypeError, EOFError, OverflowError, MemoryError, RuntimeError, RecursionError,
    struct.error, zipfile.BadZipFile,
)  # fmt: skip
#: When all members were made, as zip says it: the same contents are the same bytes.
MADE = (1980, 1, 1, 0, 0, 0)
PIECE = 2**24


class NotSealed(SamestepError):
    """A file is not what `write` made: damaged, incomplete, of another program or of a newer samestep."""


def write(path: str | Path, document: object, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a document and arrays by name, all of it or nothing; a file of that name is replaced.

    ``document`` is a mapping or a dataclass of plain values (`samestep.codec.encode`). Arrays hold bools,
    integers, floats or complex numbers. Raises `SamestepError` where the file cannot be written, and
    TypeError for anything that is none of these.
    """
    path = Path(path)
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    about = [[name, array.dtype.str, list(array.shape)] for name, array in plain.items()]
    text = json.dumps({"document": encode(document), "arrays": about}, allow_nan=False).encode()
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("w+b") as file:
                _write_archive(file, text, list(plain.values()))
                _seal(file)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror or error}") from error


def read(path: str | Path) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Return the document and the arrays of a file, in their order, as `write` was given them.

    Raises `NotSealed`, in one line, where the file is anything else than what `write` wrote, or not there.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            _check_seal(path, file)
            with zipfile.ZipFile(file) as archive:
                return _read_archive(archive, path.stat().st_size)
    except OSError as error:
        raise NotSealed(f"{path} cannot be read: {error.strerror or error}") from error
    except MALFORMED as error:
        raise NotSealed(f"{path} is sealed as a file of samestep's, and is none: {error}") from error


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    """The array as it is written: little-endian, in C order."""
    written = np.asarray(array)
    written = np.ascontiguousarray(written, written.dtype.newbyteorder("<")).reshape(written.shape)
    if written.dtype.str not in DTYPES:
        raise TypeError(f"array {name!r} has dtype {written.dtype}, which a sealed file does not hold")
    return written


def _header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """The header of an npy file of version 1.0."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    length = len(MAGIC) + 2 + len(text) + 1
    text += b" " * (-length % ALIGNED) + b"\n"
    return MAGIC + len(text).to_bytes(2, "little") + text


def _write_archive(file: BinaryIO, text: bytes, arrays: list[np.ndarray]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(DOCUMENT, MADE), text)
        for number, array in enumerate(arrays):
            member = zipfile.ZipInfo(f"{number}.npy", MADE)
            member.file_size = array.nbytes + ALIGNED  # tells zip whether it needs the form for 4 GB and more
            with archive.open(member, "w") as stream:
                stream.write(_header(array.dtype.str, array.shape))
                stream.write(array.reshape(-1).view(np.uint8).data if array.size else b"")
        archive.comment = SEAL % FORMAT + b"0" * DIGITS


def _seal(file: BinaryIO) -> None:
    """Put the digest of all that comes before it at the end."""
    end = file.seek(-DIGITS, os.SEEK_END)
    digest = _digest(file, end)
    file.seek(end)
    file.write(digest)


def _check_seal(path: Path, file: BinaryIO) -> None:
    start = file.read(30 + len(DOCUMENT))  # the head of a zip's first member: 30 bytes and its name
    length = len(SEAL % FORMAT) + DIGITS
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - length, 0))
    seal, told = (end := file.read())[:-DIGITS], end[-DIGITS:]
    if not seal.startswith(SEAL.partition(b"%d")[0]):
        if start.endswith(DOCUMENT.encode()):
            raise NotSealed(f"{path} is not whole: its end is missing; copy or record it again")
        raise NotSealed(f"{path} is not a file that samestep wrote")
    if seal != SEAL % FORMAT:
        its = seal.removeprefix(SEAL.partition(b"%d")[0]).partition(b",")[0][:10].decode("ascii", "replace")
        raise NotSealed(
            f"{path} is of format {its!r}, this samestep reads {FORMAT}: use the one that wrote it"
        )
    if _digest(file, size - DIGITS) != told:
        raise NotSealed(f"{path} is damaged: its checksum is not that of its contents; record it again")


def _digest(file: BinaryIO, end: int) -> bytes:
    made = hashlib.sha256()
    file.seek(0)
    while end > 0 and (piece := file.read(min(PIECE, end))):
        made.update(piece)
        end -= len(piece)
    return made.hexdigest().encode()


def _read_archive(archive: zipfile.ZipFile, size: int) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
        raise ValueError("a member is compressed")
    if sum(member.file_size for member in archive.infolist()) > size:  # members that lie over each other
        raise ValueError("its members are larger than the file")
    content = json.loads(archive.read(DOCUMENT))
    document, about = content["document"], content["arrays"]
    if not isinstance(document, dict):
        raise ValueError("its document is no mapping")
    arrays: dict[str, np.ndarray] = {}
    for number, (name, dtype, shape) in enumerate(about):
        if not isinstance(name, str) or name in arrays or dtype not in DTYPES or not _is_shape(shape):
            raise ValueError(f"array {number} is described as {str([name, dtype, shape])[:100]}")
        arrays[name] = _read_array(archive, f"{number}.npy", dtype, tuple(shape))
    return document, arrays


def _is_shape(shape: object) -> bool:
    return (
        isinstance(shape, list)
        and len(shape) <= MOST_AXES
        and all(type(n) is int and 0 <= n < 2**63 for n in shape)
    )


def _read_array(archive: zipfile.ZipFile, member: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    header = _header(dtype, shape)
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if archive.getinfo(member).file_size != len(header) + size:
        raise ValueError(f"{member} has not the bytes of {dtype} in shape {shape}")
    with archive.open(member) as stream:
        if stream.read(len(header)) != header:
            raise ValueError(f"{member} does not begin as an npy file of {dtype} in shape {shape} does")
        array = np.empty(shape, dtype)
        if size:
            stream.readinto(array.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]  # it has it
        stream.read(1)  # at the end zip checks that all has been there
    return array
