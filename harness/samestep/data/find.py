"""Where data sets lie: the roots that are searched, in order, and the layouts below them.

A root may hold the files as samestep, Keras or Debian keep them (``mnist/``, ``fashion-mnist/``,
``mnist.npz``) or as torchvision does (``MNIST/raw/``, ``FashionMNIST/raw/``), gzipped or not.
The folder that SAMESTEP_DATA names may also hold the four files themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from samestep.paths import folder, user

from . import idx
from .exceptions import DataCorrupt, DataError, DataMissing
from .sets import SETS, DataSet, Part

VARIABLE = "SAMESTEP_DATA"
BUNDLED = Path(__file__).parent / "sample"
SYSTEM = Path("/usr/share/datasets")  # Debian's package dataset-fashion-mnist


def cache() -> Path:
    """Return the root into which ``samestep data fetch`` downloads."""
    return user()


def usual_roots() -> tuple[Path, ...]:
    """Return the roots that are searched after SAMESTEP_DATA, in order."""
    return (
        cache(),
        Path.cwd() / "data",
        folder("HOME", "~") / "data",
        folder("TORCH_HOME", "~/.cache/torch"),
        folder("KERAS_HOME", "~/.keras") / "datasets",
        SYSTEM,
    )


def find(dataset: DataSet) -> Path:
    """Return the folder of a set's four files, or its npz. Nothing is verified yet.

    Raises `DataMissing` where no place has all files.
    """
    partial = None
    for place in places(dataset):
        lacking = missing_files(dataset, place)
        if not lacking:
            return place
        if len(lacking) < len(dataset.parts):
            partial = partial or f"{place} lacks {lacking[0]}"
    if not dataset.layouts:
        raise DataMissing(f"{dataset.name}: {partial or f'{BUNDLED} is empty'}; {dataset.remedy}")
    roots = ", ".join(map(str, named_root() + usual_roots()))
    raise DataMissing(
        f"{dataset.name}: {partial or f'not found below {roots}'}; run: samestep data fetch {dataset.name}, "
        f"or set {VARIABLE}=DIR where DIR/{dataset.layouts[0]} has it"
    )


def places(dataset: DataSet) -> Iterator[Path]:
    """Yield every place where a set may be, in the order of search."""
    if not dataset.layouts:
        yield BUNDLED
        return
    for root in named_root():
        yield from (root / layout for layout in dataset.layouts)
        if not holds_another(dataset, root):
            yield root
    for root in usual_roots():
        yield from (root / layout for layout in dataset.layouts)


def named_root() -> tuple[Path, ...]:
    """Return the folder that SAMESTEP_DATA names, () where it is unset.

    Raises `DataError` where that folder does not exist.
    """
    value = os.environ.get(VARIABLE)
    if not value:
        return ()
    root = folder(VARIABLE, value)
    if not root.is_dir():
        raise DataError(f"{VARIABLE}={value} is not a folder; set it to one that exists, or unset it")
    return (root,)


def missing_files(dataset: DataSet, place: Path) -> list[str]:
    """Return the files of a set that a place lacks."""
    if place.suffix == ".npz":
        return [] if is_file(place) else [part.member for part in dataset.parts]
    return [part.file for part in dataset.parts if part_path(place, part) is None]


def part_path(place: Path, part: Part) -> Path | None:
    """Return the file of a part; where there are both, the unpacked one, which reads faster."""
    both = (place / part.file, place / f"{part.file}.gz")
    return next((path for path in both if is_file(path)), None)


def is_file(path: Path) -> bool:
    """Return whether there is a file. In a folder without permission ``Path.is_file`` would raise."""
    return os.path.isfile(path)  # noqa: PTH113


def holds_another(dataset: DataSet, place: Path) -> bool:
    """Return whether the files in a place belong to another set: all sets use the same file names."""
    for other in SETS.values():
        labels = other.parts[-1]
        path = part_path(place, labels)
        if other.name == dataset.name or path is None:
            continue
        try:
            if idx.read(path, labels.kind).sha256 == labels.sha256:
                return True
        except DataCorrupt:
            return False  # reading the set will report what is wrong
    return False
