"""What honest rounding does depends on the case and the reference only, so it is worked out once and kept.

A file for each place that was asked for, in the user's cache folder, under a name made from everything that
it follows from: the inputs, the reference's source, this package's source. Workers that ask for the same at
the same time wait for the first. Nothing breaks where the folder cannot be written: it is worked out anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from samestep import paths
from samestep.agreement import limits
from samestep.agreement.arithmetic import noise, rounding_array
from samestep.agreement.reference import spread
from samestep.agreement.reference.spread import Spread, as_arrays, from_arrays

#: The folder is kept below this: the files that were not used for longest go first.
LARGEST_BYTES = 2**30

Spreads = dict[str, Spread]


def digest(*parts: bytes | np.ndarray | str) -> str:
    """A short name for all of these together."""
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
    """The model of rounding as it is: a changed model forgets what the old one said."""
    modules = (rounding_array, limits, noise, spread)
    return digest(*(Path(str(module.__file__)).read_bytes() for module in modules))


class Recall:
    """``largest`` is what the folder may grow to, in bytes; with 0 nothing on disk is asked or left."""

    def __init__(self, largest: int = LARGEST_BYTES) -> None:
        self.largest = largest
        self.known: dict[str, Spreads] = {}

    def __call__(self, key: str, make: Callable[[], Spreads]) -> Spreads:
        if key not in self.known:
            self.known[key] = self._from_disk(key, make) if self.largest else make()
        return self.known[key]

    def _from_disk(self, key: str, make: Callable[[], Spreads]) -> Spreads:
        path = paths.home() / "spreads" / f"{key}.npz"
        with _locked(path.with_suffix(".lock")):
            found = _read(path)
            if found is None:
                found = make()
                with contextlib.suppress(OSError):  # on a full disk it is made anew the next time
                    _write(path, as_arrays(found), self.largest)
            return found


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone with this file; where the folder is not ours to write in, nobody is waited for."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(stack.enter_context(path.open("w")), fcntl.LOCK_EX)
        yield


def _read(path: Path) -> Spreads | None:
    try:
        with np.load(path) as arrays:
            found = from_arrays({name: arrays[name] for name in arrays.files})
        os.utime(path)
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, KeyError):
        return None  # not there, or damaged: it is made again
    return found


def _write(path: Path, arrays: Mapping[str, np.ndarray], largest: int) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes a name for allow_pickle
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _prune(path.parent, largest)


def _prune(where: Path, largest: int) -> None:
    files = sorted(where.glob("*.npz"), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in files)
    for file in files:
        if total <= largest:
            break
        total -= file.stat().st_size
        file.unlink(missing_ok=True)
        file.with_suffix(".lock").unlink(missing_ok=True)
