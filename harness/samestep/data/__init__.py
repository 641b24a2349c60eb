"""MNIST and Fashion-MNIST: found, fetched on request, read, and verified to the last byte.

Importing this loads neither NumPy nor requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exceptions import DataCorrupt, DataError, DataMissing
from .sets import SETS

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NAMES", "DataCorrupt", "DataError", "DataMissing", "load"]

NAMES = tuple(SETS)


def load(name: str) -> dict[str, np.ndarray]:
    """Return the arrays images, labels, test_images and test_labels of a data set, read-only.

    Images are uint8 in 0..255 of shape (n, 784), labels int32 in 0..9 of shape (n,). Nothing is downloaded.

    Raises `DataMissing` where the set is not found, `DataCorrupt` where a file has other content, and
    `DataError` for an unknown name.
    """
    from .find import find
    from .read import read_set
    from .sets import data_set

    dataset = data_set(name)
    return read_set(dataset, find(dataset))
