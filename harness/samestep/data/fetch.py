"""Downloads a data set into the user's cache, from the first mirror whose file has the right content.

A file is downloaded into a temporary folder, verified there, and only then moved to its place: the cache
never holds part of a file. Files that were already there and are right stay.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from . import idx
from .exceptions import DataCorrupt, DataError, DataMissing
from .find import VARIABLE, cache, find, named_root, part_path
from .read import read_set
from .sets import DataSet, Part

Report = Callable[[str, int, int], None]
"""Called with (file, bytes so far, total bytes or 0 if unknown) during a download."""

TIMEOUT = 30  # seconds to connect, and between two packets
CHUNK = 1 << 16
ROOM = 1 << 16  # bytes by which a packed file may exceed the unpacked one


def ensure(dataset: DataSet, report: Report) -> Path:
    """Return the folder or npz of a set, verified; download it where it is missing or corrupt.

    Raises `DataError` where that is not possible.
    """
    try:
        place = find(dataset)
        read_set(dataset, place)
        return place
    except DataMissing:
        return fetch(dataset, report)
    except DataCorrupt:
        if any(place.is_relative_to(root) for root in named_root()):
            raise  # SAMESTEP_DATA comes before the cache: a download would not be found
        return fetch(dataset, report)


def fetch(dataset: DataSet, report: Report) -> Path:
    """Download the files of a set that the cache lacks or has corrupt, and return its folder there."""
    folder = cache() / dataset.layouts[0]
    mirrors = list(dataset.mirrors)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{dataset.name}-", dir=folder.parent) as scratch:
            for part in dataset.parts:
                if not is_cached(folder, part):
                    new = from_some_mirror(dataset, part, mirrors, Path(scratch), report)
                    install(new, folder, part)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error}); "
            f"make room there, or set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    return folder


def is_cached(folder: Path, part: Part) -> bool:
    """Return whether the folder holds this file with the right content."""
    path = part_path(folder, part)
    return path is not None and not find_fault(path, part)


def install(new: Path, folder: Path, part: Part) -> None:
    """Move a verified file to its place in one step, and remove an unpacked one beside it."""
    folder.mkdir(exist_ok=True)
    new.replace(folder / f"{part.file}.gz")
    (folder / part.file).unlink(missing_ok=True)


def find_fault(path: Path, part: Part) -> str:
    """Return what is wrong with the file of a part; "" where its content is right."""
    try:
        found = idx.read(path, part.kind).sha256
    except DataCorrupt as error:
        return error.what
    return "" if found == part.sha256 else f"wrong content, unpacked sha256 {found[:12]}…"


def from_some_mirror(dataset: DataSet, part: Part, mirrors: list[str], scratch: Path, report: Report) -> Path:
    """Download and verify a part. A mirror that fails goes to the end of ``mirrors``.

    Raises `DataMissing` where all fail; the message names each reason.
    """
    reasons = []
    for mirror in tuple(mirrors):
        path = scratch / f"{part.file}.gz"
        reason = download(f"{mirror}{part.file}.gz", path, part, report) or find_fault(path, part)
        if not reason:
            return path
        reasons.append(f"{urlsplit(mirror).netloc}: {reason}")
        mirrors.remove(mirror)
        mirrors.append(mirror)
    raise DataMissing(
        f"{dataset.name}: no mirror gave {part.file}.gz ({'; '.join(reasons)}); "
        f"try again later, or put the files into DIR/{dataset.layouts[0]} and set {VARIABLE}=DIR"
    )


def download(url: str, path: Path, part: Part, report: Report) -> str:
    """Write what a mirror serves to a file; return the reason where that fails, else ""."""
    from pooch import HTTPDownloader  # type: ignore[import-untyped]
    from requests import RequestException

    progress = Progress(part, report)
    try:
        HTTPDownloader(progressbar=progress, chunk_size=CHUNK, timeout=TIMEOUT)(url, path, None)
    except TooLong:
        return f"serves more than {progress.limit} bytes"
    except RequestException as error:
        status = f" {error.response.status_code}" if error.response is not None else ""
        return f"{type(error).__name__}{status}"
    return ""


class TooLong(Exception):
    """A mirror serves more bytes than the file can have."""


class Progress:
    """The interface of pooch's progress bars: passes the count on, and stops a download that is too long."""

    def __init__(self, part: Part, report: Report) -> None:
        self.limit = part.size + ROOM
        self.file, self.report, self.total, self.done = part.file, report, 0, 0

    def update(self, count: int) -> None:
        self.done += count
        if self.done - CHUNK > self.limit:  # pooch counts whole chunks
            raise TooLong
        self.report(self.file, self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Do nothing: there is nothing to close."""
