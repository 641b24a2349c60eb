"""MNIST and Fashion-MNIST: found, fetched when told to, read, and every byte checked.

Importing this loads neither NumPy nor pooch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import DataCorrupt, DataError, DataMissing
from .sets import SETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NAMES", "DataCorrupt", "DataError", "DataMissing", "load"]

NAMES = tuple(SETS)


def load(name: str) -> dict[str, NDArray[Any]]:
    """The arrays images, labels, test_images and test_labels of a data set, read-only.

    Images are uint8 (n, 784), labels int32 (n,). Nothing is downloaded: ``DataMissing`` says what to do.
    """
    from .find import find
    from .read import read_set
    from .sets import named

    dataset = named(name)
    return read_set(dataset, find(dataset))
