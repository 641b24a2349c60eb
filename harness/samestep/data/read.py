"""Reads a whole data set, and hands nothing out whose every byte has not been checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import idx, npz
from .errors import DataCorrupt, DataMissing
from .find import part_path
from .sets import DataSet, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_set(dataset: DataSet, place: Path) -> dict[str, NDArray[Any]]:
    """The set's four arrays, read-only: images uint8 (n, 784), labels int32 (n,), and the test set's."""
    try:
        contents = {part: read_part(place, part) for part in dataset.parts}
        check_counts(place, contents)
        for part, content in contents.items():
            check_sum(dataset, place, part, content)
    except DataCorrupt as error:
        raise DataCorrupt(error.place, error.what, dataset.remedy) from error
    return {part.key: handed_out(part, content) for part, content in contents.items()}


def read_part(place: Path, part: Part) -> idx.Content:
    """One array of the set that lies at a place, a folder or an npz."""
    if place.suffix == ".npz":
        return npz.read(place, part)
    path = part_path(place, part)
    if path is None:
        raise DataMissing(f"{place} lacks {part.file}; put it there, or use another folder")
    return idx.read(path, part.kind)


def check_counts(place: Path, contents: dict[Part, idx.Content]) -> None:
    """There is one label for each image. Parts come as images, labels, test images, test labels."""
    every = list(contents.items())
    for (images, one), (labels, other) in zip(every[::2], every[1::2], strict=True):
        if len(one.items) != len(other.items):
            raise DataCorrupt(
                place, f"{images.file} has {len(one.items)} images, {labels.file} {len(other.items)} labels"
            )


def check_sum(dataset: DataSet, place: Path, part: Part, content: idx.Content) -> None:
    if content.sha256 != part.sha256:
        where = f"{place}:{part.member}" if place.suffix == ".npz" else part_path(place, part) or place
        found = f"{len(content.items)} {part.kind}, unpacked sha256 {content.sha256[:12]}…"
        wanted = f"{part.count} with {part.sha256[:12]}…"
        raise DataCorrupt(where, f"is not {dataset.name}'s: {found} and not {wanted}")


def handed_out(part: Part, content: idx.Content) -> NDArray[Any]:
    if part.kind == "images":
        return content.items
    labels = content.items.astype("int32")
    labels.setflags(write=False)
    return labels
