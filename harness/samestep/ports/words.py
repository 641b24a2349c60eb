"""Port files among the words of a command line: ``my_port.py``, or one side of it, ``my_port.py/flax``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samestep.ports.catalogs import is_port

#: A port file, and perhaps a side of it.
WORD = re.compile(r"(?P<file>.+\.py)(?P<side>/[^/]*)?")


@dataclass(frozen=True)
class Words:
    """What the words of a command line select: ``selectors``, and the ``roots`` that these mean."""

    selectors: tuple[str, ...]
    roots: tuple[Path, ...]

    @property
    def has_ports(self) -> bool:
        return any(map(is_port, self.roots))


def words_of(selectors: Sequence[str], roots: Sequence[Path]) -> Words:
    """Return selectors in which a port file is the workload of its name, and roots with the file."""
    found: list[str] = []
    files = list(roots)
    for text in selectors:
        word = WORD.fullmatch(text)
        if word is None:
            found.append(text)
            continue
        path = Path(word["file"])
        files += [path] if path not in files else []
        found.append(f"{path.stem}{word['side'] or ''}")
    return Words(tuple(found), tuple(files))
