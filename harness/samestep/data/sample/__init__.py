"""The first 10,000 training and 2,000 test images of MNIST; README.md beside this says whose they are.

``python -m samestep.data.sample FROM_DIR`` remakes the files from full MNIST's four IDX files.
"""

from __future__ import annotations

import gzip
from pathlib import Path

from .. import idx
from ..read import read_set
from ..sets import MNIST, SAMPLE


def make(source: Path, target: Path) -> list[Path]:
    """Write the first items of each of full MNIST's files, and return the paths.

    The bytes depend on the images alone: the gzip headers hold no time and no name.
    """
    arrays = read_set(MNIST, source)
    made = []
    for part in SAMPLE.parts:
        path = target / f"{part.file}.gz"
        content = idx.header(part.kind, part.count) + arrays[part.key][: part.count].astype("uint8").tobytes()
        with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
            out.write(content)
        made.append(path)
    return made
