"""Reads a whole data set, and returns it only if every byte is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import idx, npz
from .exceptions import DataCorrupt, DataMissing
from .find import part_path
from .sets import DataSet, Part

if TYPE_CHECKING:
    import numpy as np


def read_set(dataset: DataSet, place: Path) -> dict[str, np.ndarray]:
    """Return the set's four arrays, read-only: uint8 images of shape (n, 784) and int32 labels of shape (n,).

    ``place`` is the folder or npz. Raises `DataCorrupt`, which names the file and the next step.
    """
    try:
        contents = {part: read_part(place, part) for part in dataset.parts}
        check_counts(place, contents)
        for part, content in contents.items():
            check_sum(dataset, place, part, content)
    except DataCorrupt as error:
        raise DataCorrupt(error.place, error.what, dataset.remedy) from error
    return {part.key: to_array(part, content) for part, content in contents.items()}


def read_part(place: Path, part: Part) -> idx.Content:
    """Return one part of the set at a place, a folder or an npz. Raises `DataMissing` and `DataCorrupt`."""
    if place.suffix == ".npz":
        return npz.read(place, part)
    path = part_path(place, part)
    if path is None:
        raise DataMissing(f"{place} lacks {part.file}; put it there, or use another folder")
    return idx.read(path, part.kind)


def check_counts(place: Path, contents: dict[Part, idx.Content]) -> None:
    """Check that there is one label for each image. Raises `DataCorrupt`."""
    every = list(contents.items())  # images, labels, test images, test labels
    for (images, one), (labels, other) in zip(every[::2], every[1::2], strict=True):
        if len(one.items) != len(other.items):
            raise DataCorrupt(
                place, f"{images.file} has {len(one.items)} images, {labels.file} {len(other.items)} labels"
            )


def check_sum(dataset: DataSet, place: Path, part: Part, content: idx.Content) -> None:
    """Check the content of a part against its SHA-256. Raises `DataCorrupt`."""
    if content.sha256 != part.sha256:
        where = f"{place}:{part.member}" if place.suffix == ".npz" else part_path(place, part) or place
        found = f"{len(content.items)} {part.kind}, unpacked sha256 {content.sha256[:12]}…"
        wanted = f"{part.count} with {part.sha256[:12]}…"
        raise DataCorrupt(where, f"is not {dataset.name}'s: {found} and not {wanted}")


def to_array(part: Part, content: idx.Content) -> np.ndarray:
    """Return the items of a part in the type that `load` promises, read-only."""
    if part.kind == "images":
        return content.items
    labels = content.items.astype("int32")
    labels.setflags(write=False)
    return labels
