"""What only a framework itself can do, in one small adapter each: arrays in and out, waiting, threads.

An adapter is a module ``<framework>.py`` with a class ``Adapter`` that satisfies the protocol below. Its
``DISTRIBUTIONS`` holds the framework's package names on PyPI, the preferred one first, and ``REQUIRES`` other
frameworks that it needs; both are read without importing the module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol, TypeAlias, TypedDict

import numpy as np

#: An array of whichever framework the adapter is for: np.ndarray, torch.Tensor, tf.Tensor or jax.Array.
NativeArray: TypeAlias = Any


class Unavailable(Exception):
    """A cell cannot run here; the message says why in one line."""


@dataclass(frozen=True)
class Settings:
    """How one worker computes.

    Attributes:
        dtype: "float32" or "float64".
        device: "cpu" or "gpu".
        threads: the number of threads of each pool.
        matmul: the precision of float32 matrix products on a GPU, "float32" or "tf32".
    """

    dtype: str = "float32"
    device: str = "cpu"
    threads: int = 1
    matmul: str = "float32"


class Adapter(Protocol):
    """One framework in one process, configured once, before anything is computed.

    It may have more methods, ``stopwatch()``, ``device_memory()``, ``shared()`` and ``generators()``: see the
    functions `stopwatch`, `device_memory`, `shared_by` and `generators_of`.
    ``Adapter(settings)`` raises `Unavailable` where the framework does not support the settings here.
    """

    def __init__(self, settings: Settings) -> None: ...

    def asarray(self, array: np.ndarray) -> NativeArray:
        """Return a native copy of ``array``, same shape and floating dtype, on the device of the settings."""

    def to_numpy(self, array: object) -> np.ndarray:
        """Return a NumPy copy of a native array, same shape and dtype. Raises TypeError for anything else."""

    def device_of(self, array: NativeArray) -> str:
        """Return "cpu" or "gpu": the device of a native array, or of an ndarray that a session returned."""

    def wait(self, outputs: object) -> None:
        """Return once all ``outputs``, native arrays in any nesting of tuples and dicts, are computed."""

    def matmul(self, a: NativeArray, b: NativeArray) -> NativeArray:
        """Return the product of two native matrices, (n, k) and (k, m), to measure the machine's peak."""

    def describe(self) -> Description:
        """Return versions, and the settings as they are read back from the framework."""


@dataclass(frozen=True)
class Shared:
    """What of a framework all code of a process shares.

    Attributes:
        settings: by name, in words; values that are equal where nothing was changed.
        namespaces: modules and classes whose names nobody may bind anew.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    namespaces: Sequence[ModuleType | type] = ()


class Description(TypedDict, total=False):
    """What a framework reports about itself; each reports the fields that it has.

    Attributes:
        versions: by package, or by library that it was built with; None for one that it was built without.
        device: the model of the device.
        threads: of one operation; None where the framework does not report it.
        inter_op_threads: for operations side by side.
        matmul: "float32" or "tf32".
        blas: the BLAS libraries, with version and kernels.
    """

    versions: dict[str, str | None]
    device: str
    threads: int | None
    inter_op_threads: int
    matmul: str
    blas: list[str]


def is_native(adapter: Adapter, value: object) -> bool:
    """Return whether a value is an array of the adapter's framework, by its type and not by what it says of
    itself; an adapter that cannot tell takes everything."""
    ask = getattr(adapter, "is_native", None)
    return ask is None or bool(ask(value))


class Stopwatch(Protocol):
    """A clock of the device: `start` and `stop` are queued like any other work."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def seconds(self) -> float:
        """Wait for the device, and return the time in seconds that it took between the two."""


def stopwatch(adapter: Adapter) -> Stopwatch | None:
    """Return a clock of the adapter's device; None where the adapter or the device has none."""
    make = getattr(adapter, "stopwatch", None)
    found: Stopwatch | None = make() if make else None
    return found


def device_memory(adapter: Adapter) -> int | None:
    """Return the peak of the framework's memory on a GPU in bytes; None where the adapter does not report it,
    or computes elsewhere."""
    ask = getattr(adapter, "device_memory", None)
    found: int | None = ask() if ask else None
    return found


def shared_by(adapter: Adapter) -> Shared:
    """Return what all code of this process shares of the adapter's framework, as it is now."""
    read = getattr(adapter, "shared", None)
    found: Shared = read() if read else Shared()
    return found


def generators_of(adapter: Adapter) -> Callable[[], None]:
    """Return a function that puts the framework's global random generators back to what they are now."""
    read = getattr(adapter, "generators", None)
    found: Callable[[], None] = read() if read else lambda: None
    return found
