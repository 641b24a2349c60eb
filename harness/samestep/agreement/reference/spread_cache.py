"""Spreads follow from the case and the reference alone, so they are measured once and kept on disk.

There is one file for each set of spreads, in the user's cache folder, under a name made from everything that
it follows from: the inputs, the reference's source, this package's source. It begins with the checksum of the
rest, of its own name and of the code that wrote it, so that a file that is damaged, incomplete, renamed or of
other code is made anew and never half used. Workers that ask for the same one at the same time wait for the
first. Where the folder cannot be written, spreads are measured again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from samestep import paths
from samestep.agreement import arithmetic, limits
from samestep.agreement.reference.spread import Spread

#: The folder is kept below this: the files that were not used for longest go first.
LARGEST_BYTES = 2**30

SUFFIX = ".spreads"
#: The length of the checksum that a file begins with: SHA-256.
DIGEST_BYTES = 32

Spreads = dict[str, Spread]


def digest(*parts: bytes | np.ndarray | str) -> str:
    """Return 32 hexadecimal digits that stand for all parts, in order.

    Of an array its dtype, shape and bytes are used.
    """
    made = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            made.update(f"{part.dtype}{part.shape}".encode())
            made.update(np.ascontiguousarray(part).view(np.uint8).reshape(-1).data if part.size else b"")
        else:
            made.update(part.encode() if isinstance(part, str) else part)
        made.update(b"\0")
    return made.hexdigest()[:32]


def own_source() -> str:
    """Return the digest of the model of rounding and of the proof: with another one, all is made again.

    That is NumPy's version, the limits, the array types for NumPy, and how references are run; engines for
    frameworks are no part of it.
    """
    modules = [Path(str(limits.__file__))]
    for folder in (Path(str(arithmetic.__file__)).parent, Path(__file__).parent):
        modules += sorted(folder.glob("*.py"))
    return digest(np.__version__, *(path.read_bytes() for path in modules))


class SpreadCache:
    """Spreads by key, in memory and on disk.

    ``largest`` is the size that the folder on disk may grow to, in bytes; with 0 nothing on disk is read or
    written.
    """

    def __init__(self, largest: int = LARGEST_BYTES) -> None:
        self.largest = largest
        self.known: dict[str, Spreads] = {}

    def get(
        self, key: str, measure: Callable[[], Spreads], may_keep: Callable[[], bool] = lambda: True
    ) -> Spreads:
        """Return the spreads of ``key``; they are measured where they are neither in memory nor on disk.

        ``may_keep`` is asked after they were measured, whether they may lie on disk.
        """
        if key not in self.known:
            self.known[key] = self._from_disk(key, measure, may_keep) if self.largest else measure()
        return self.known[key]

    def _from_disk(self, key: str, measure: Callable[[], Spreads], may_keep: Callable[[], bool]) -> Spreads:
        path = paths.home() / "spreads" / f"{key}{SUFFIX}"
        with _locked(path.with_suffix(".lock")):
            found = _read(path)
            if found is None:
                found = measure()
                if not may_keep():
                    return found
                with contextlib.suppress(OSError):  # on a full disk they are measured again the next time
                    _write(path, to_arrays(found), self.largest)
            return found


def to_arrays(spreads: Mapping[str, Spread]) -> dict[str, np.ndarray]:
    """Return the spreads as arrays for a file: each sigma under its number, and of all the rest one text."""
    rest = [
        (name, s.terms, s.replicas, float(s.norm_varies), float(s.scale_varies), s.precision)
        for name, s in spreads.items()
    ]
    text = np.frombuffer(json.dumps(rest).encode(), np.uint8)
    return {"text": text, **{str(n): s.sigma for n, s in enumerate(spreads.values())}}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Spreads:
    """Return the spreads that `to_arrays` turned into arrays."""
    rest = json.loads(arrays["text"].tobytes())
    return {name: Spread(arrays[str(n)], *numbers) for n, (name, *numbers) in enumerate(rest)}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold this file's lock; where the folder is not writable, nobody is waited for."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(stack.enter_context(path.open("w")), fcntl.LOCK_EX)
        yield


@cache
def _written_by() -> bytes:
    return Path(__file__).read_bytes()


def _checksum(path: Path, data: bytes) -> bytes:
    """Return what a file of this name with these data begins with, if this code wrote it."""
    made = hashlib.sha256(_written_by())
    made.update(path.name.encode())
    made.update(data)
    return made.digest()


def _read(path: Path) -> Spreads | None:
    """Return what a file holds; None where there is none, or where it is not what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, data = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if checksum != _checksum(path, data):
        return None
    with contextlib.suppress(OSError):  # a folder that can only be read: then nothing is pruned either
        os.utime(path)
    with np.load(io.BytesIO(data)) as arrays:
        return from_arrays({name: arrays[name] for name in arrays.files})


def _write(path: Path, arrays: Mapping[str, np.ndarray], largest: int) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stub takes a name for allow_pickle
    data = buffer.getvalue()
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(_checksum(path, data) + data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _prune(path.parent, largest)


def _prune(folder: Path, largest: int) -> None:
    files = [(about.st_mtime, about.st_size, file) for file, about in _there(folder)]
    total = sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if total <= largest:
            break
        total -= size
        file.unlink(missing_ok=True)
        file.with_suffix(".lock").unlink(missing_ok=True)


def _there(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for file in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # another process prunes as well
            yield file, file.stat()
