"""Downloads a data set into the user's cache, from the first mirror whose file has the right content.

A file is downloaded into a temporary folder, verified there, and only then moved to its place: the cache
never holds part of a file. Files that were already there and are right stay. A mirror may take as long as a
slow line needs and no longer, whatever it does meanwhile.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from http.client import HTTPException
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
GRACE = 30  # seconds until the file must have come at `SLOWEST`
SLOWEST = 1 << 15  # bytes a second, on average: the largest file, of 10 MB, takes five minutes then
WATCHED = 0.5  # seconds from one look at a download to the next
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
    """Write what a mirror serves to a file; return the reason where that fails, else "".

    A thread downloads while this one watches: a mirror that sends a byte now and then would hold any read.
    """
    transfer = Transfer(url, path, part)
    thread = threading.Thread(target=transfer.run, daemon=True)
    thread.start()
    for look in itertools.count(1):
        thread.join(WATCHED)
        report(part.file, transfer.done, transfer.total)
        if not thread.is_alive():
            break
        if transfer.done < SLOWEST * (look * WATCHED - GRACE):
            transfer.given_up = True
            return f"serves less than {SLOWEST} bytes a second"
    if transfer.not_written is not None:
        raise transfer.not_written
    return transfer.reason


class Transfer:
    """The download of a file: ``done`` of ``total`` bytes (0 where that is unknown), and why it failed.

    The bytes are kept as they were sent: what a server declares to be packed on the way is never unpacked.
    """

    def __init__(self, url: str, path: Path, part: Part) -> None:
        self.url, self.path, self.limit = url, path, part.size + ROOM
        self.done = self.total = 0
        self.reason = ""
        self.not_written: OSError | None = None
        self.given_up = False

    def run(self) -> None:
        """Download; nothing is raised, as nobody would catch it."""
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        try:
            self._run()
        except RequestException as error:
            status = f" {error.response.status_code}" if error.response is not None else ""
            self.reason = f"{type(error).__name__}{status}"
        except (HTTPError, HTTPException, ValueError) as error:  # of a redirect's address, of a header
            self.reason = type(error).__name__
        except OSError as error:
            self.not_written = error

    def _run(self) -> None:
        import requests

        with requests.get(self.url, stream=True, timeout=TIMEOUT) as response, self.path.open("wb") as file:
            response.raise_for_status()
            self.total = int(response.headers.get("Content-Length", 0))
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                self.done += len(chunk)
                if self.done > self.limit:
                    self.reason = f"serves more than {self.limit} bytes"
                if self.reason or self.given_up:
                    return
                file.write(chunk)
