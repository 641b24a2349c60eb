"""Damaged data files and source files."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator

import numpy as np

from samestep.data import idx
from tests.evidence.attack import Attack, Ground

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}
VERIFY = ("data", "verify", "mnist")


def whole(name: str, count: int) -> bytes:
    """Return an IDX file of zeros."""
    kind: idx.Kind = "images" if "images" in name else "labels"
    return idx.header(kind, count) + bytes(count * idx.item_bytes(kind))


def folder_of(change: Callable[[bytes], bytes]) -> Callable[[Ground], None]:
    """Return what makes a folder of the four files, the first of what ``change`` makes of its content."""

    def prepare(ground: Ground) -> None:
        place = ground.folder / "data"
        place.mkdir()
        for name in FILES:
            content = whole(name, 60_000 if "train" in name else 10_000)
            made = change(content) if name == FILES[0] else gzip.compress(content, 1)
            (place / f"{name}.gz").write_bytes(made)

    return prepare


def packed(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return what changes the content, and packs it."""
    return lambda content: gzip.compress(change(content), 1)


def empty_members(content: bytes) -> bytes:
    return gzip.compress(b"", mtime=0) * 200_000 + gzip.compress(content, 1)


def cut(content: bytes) -> bytes:
    return gzip.compress(content, 1)[:-9]


def bomb(content: bytes) -> bytes:
    return gzip.compress(content[:16] + bytes(1 << 28), 9)


def web_page(_: bytes) -> bytes:
    return b"<!DOCTYPE html><title>Sorry</title>"


def archive(method: int, damage: Callable[[bytes], bytes] = bytes) -> Callable[[Ground], None]:
    """Return what makes Keras's mnist.npz, packed in this way."""

    def prepare(ground: Ground) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as archived:
            for name, shape in SHAPES.items():
                with archived.open(f"{name}.npy", "w") as member:
                    np.save(member, np.zeros(shape, np.uint8))
        (ground.folder / "data").mkdir()
        (ground.folder / "data" / "mnist.npz").write_bytes(damage(made.getvalue()))

    return prepare


def flipped(content: bytes) -> bytes:
    """Damage what is packed, and not the tables."""
    return content[:1000] + bytes(byte ^ 255 for byte in content[1000:1040]) + content[1040:]


DATA: dict[str, tuple[Callable[[Ground], None], str]] = {
    "200,000 empty gzip members": (folder_of(empty_members), "goes on behind its gzip member"),
    "a gzip file that is cut": (folder_of(cut), "it ends inside its gzip member"),
    "a gzip bomb of 256 MB": (folder_of(bomb), "has more bytes than the"),
    "a web page": (folder_of(web_page), "magic number"),
    "other numbers": (folder_of(packed(bytes)), "is not mnist's"),
    "a header of 2^31 images": (folder_of(packed(lambda b: b[:4] + b"\x7f\xff\xff\xff" + b[8:])), "announces 2147483647"),
    "an npz of LZMA": (archive(zipfile.ZIP_LZMA), "neither stored nor deflated"),
    "an npz of damaged LZMA": (archive(zipfile.ZIP_LZMA, flipped), "neither stored nor deflated"),
    "an npz of BZIP2": (archive(zipfile.ZIP_BZIP2), "neither stored nor deflated"),
    "an npz with damaged bytes": (archive(zipfile.ZIP_DEFLATED, flipped), "cannot be read"),
    "an npz that is cut": (archive(zipfile.ZIP_STORED, lambda b: b[:-40]), "cannot be read"),
}  # fmt: skip
SOURCES: dict[str, tuple[bytes, str]] = {
    "parentheses 5,000 deep": (b"x = " + b"(" * 5000 + b")" * 5000, "is not Python"),
    "a sum of 100,000 terms": (b"x = " + b"+".join([b"1"] * 100_000), "nested too deep"),
    "3,000 signs": (b"x = " + b"-" * 3000 + b"1", "nested too deep"),
    "90,000 attributes": (b"x = a" + b".b" * 90_000, "nested too deep"),
    "an integer of 6,000 digits": (b"x = " + b"9" * 6000, "is not Python"),
    "NUL": (b"x = 1\0", "is not Python"),
    "no UTF-8": (b"x = '\xff'", "cannot be read"),
    "nothing": (b"", "has no task"),
}


def source_file(content: bytes) -> Callable[[Ground], None]:
    """Return what writes the file that --file names."""
    return lambda ground: (ground.folder / "numpy_mine.py").write_bytes(content) and None


def table() -> Iterator[Attack]:
    """Yield the attacks."""
    for name, (prepare, says) in DATA.items():
        variables = {"SAMESTEP_DATA": "{folder}/data"}
        yield Attack("damaged data", name, VERIFY, (1,), says, prepare, variables=variables)
    for name, (content, says) in SOURCES.items():
        typed = ("check", "two_layer", "--file", "{folder}/numpy_mine.py")
        yield Attack("damaged source", name, typed, (2,), says, source_file(content))
