"""Parameters on disk as safetensors files, so that one framework continues what another one trained.

Such a file holds names, shapes, dtypes and bytes, and no code that would run when it is read:
https://huggingface.co/docs/safetensors. The names and shapes are those of the spec (weights are (in, out)),
which every implementation's ``export`` returns and its ``adopt`` takes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from samestep.errors import SamestepError


def save(path: str | Path, params: Mapping[str, ArrayLike]) -> None:
    """Write arrays by name, anything that ``np.asarray`` takes, each in its own shape and dtype.

    Raises `SamestepError` where the file cannot be written, the format lacks a dtype, or safetensors is not
    installed.
    """
    library = _safetensors()
    try:
        # C order: the format keeps the bytes and the shape of an array, and not its strides
        arrays = {name: np.asarray(value, order="C") for name, value in params.items()}
        Path(path).write_bytes(library.save(arrays, metadata={"sha256": digest(arrays)}))
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
    except Exception as error:  # the library's own types: a dtype or a name that the format does not have
        raise SamestepError(f"{path}: these arrays cannot be saved: {error}") from error


def load(path: str | Path) -> dict[str, np.ndarray]:
    """Return arrays by name, in alphabetical order, with the shapes, dtypes and bits that `save` was given.

    Raises `SamestepError` where there is no such file, it is damaged, or safetensors is not installed.
    """
    library = _safetensors()
    try:
        data = Path(path).read_bytes()
        arrays = library.load(data)
    except OSError as error:
        raise SamestepError(f"{path} cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise SamestepError(f"{path} holds numbers of type {error}, which NumPy does not have") from error
    except Exception as error:
        raise SamestepError(f"{path} is damaged or not a safetensors file: {error}; save it again") from error
    if stored_digest(data) not in (None, digest(arrays)):
        raise SamestepError(f"{path} is damaged: its numbers are not those that were saved; save it again")
    return {name: arrays[name] for name in sorted(arrays)}


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of all names, dtypes, shapes and bytes; the format itself has no checksum."""
    total = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def stored_digest(data: bytes) -> str | None:
    """Return the digest that `save` stored in a file; None where another program wrote it.

    The file begins with the length of its header (8 bytes, little-endian) and the header, in JSON.
    """
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    stored: str | None = (header.get("__metadata__") or {}).get("sha256")  # null is none, to the library too
    return stored


def _safetensors() -> ModuleType:
    """Import the NumPy part of safetensors, which is an optional dependency."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise SamestepError("parameters on disk need safetensors: pip install 'samestep[weights]'") from error
    return safetensors.numpy
