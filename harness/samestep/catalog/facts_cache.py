"""The facts of files, kept on disk until the files change: parsing them takes most of `samestep list`.

What is kept begins with the checksum of the rest and of its own name: it is believed whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from samestep import paths
from samestep.catalog.source_facts import SourceFacts, source_facts
from samestep.codec import Malformed, decode, encode
from samestep.errors import SamestepError

#: The form of what is kept; what has another one is not read.
FORM = 3


@dataclass(frozen=True)
class _Kept:
    """The facts of a file as it was: when it was changed last (ns), and its size in bytes. No editor
    and no installer can set the time of a change (ctime) back."""

    changed: int
    size: int
    facts: SourceFacts


@dataclass(frozen=True)
class _Document:
    form: int
    files: Mapping[str, _Kept]


def cached_facts(folder: Path, files: Iterable[Path]) -> dict[Path, SourceFacts]:
    """Return the facts of each of these files, which are kept together under the name of their folder.

    Raises SamestepError where a file cannot be read or is not Python.
    """
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    place = paths.home() / "source facts" / f"{name}.json"
    known, found = _read(place), dict[str, _Kept]()
    for path in files:
        changed, size = _stamp(path)
        old = known.get(str(path))
        fresh = old if old and (old.changed, old.size) == (changed, size) else None
        found[str(path)] = fresh or _Kept(changed, size, source_facts(path))
    if found != known:
        _write(place, _Document(FORM, found))
    return {Path(path): kept.facts for path, kept in found.items()}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise SamestepError(f"{path} cannot be read: {error}") from error
    return found.st_ctime_ns, found.st_size


def _read(place: Path) -> Mapping[str, _Kept]:
    """Return what was kept; nothing where that is missing, damaged or of another form."""
    try:
        checksum, _, text = place.read_text(encoding="utf-8").partition("\n")
        document = json.loads(text) if checksum == _checksum(place, text) else None
        if not isinstance(document, dict) or document.get("form") != FORM:
            return {}
        return decode(_Document, document).files
    except (OSError, ValueError, RecursionError, Malformed):
        return {}


def _checksum(place: Path, text: str) -> str:
    return hashlib.sha256(f"{place.name}\n{text}".encode()).hexdigest()


def _write(place: Path, document: _Document) -> None:
    """Write all of it or nothing; where nothing can be written everything is read again the next time."""
    part = place.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            text = json.dumps(encode(document))
            part.write_text(f"{_checksum(place, text)}\n{text}", encoding="utf-8")
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
