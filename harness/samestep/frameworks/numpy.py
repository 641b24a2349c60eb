"""NumPy: arrays are arrays, and nothing runs behind the caller's back."""

from __future__ import annotations

from typing import Any

import numpy as np
import threadpoolctl

from samestep.frameworks import Settings, Unavailable

DISTRIBUTIONS = ("numpy",)

#: What is told of a BLAS; the architecture is that of the kernels that it took.
BLAS = ("internal_api", "version", "architecture")


class Adapter:
    def __init__(self, settings: Settings) -> None:
        if settings.device != "cpu":
            raise Unavailable("NumPy computes on the CPU only")
        threadpoolctl.threadpool_limits(settings.threads)
        # A wrong number is the agreement's to find; a warning on stderr would only blur it.
        np.seterr(all="ignore")

    def asarray(self, array: np.ndarray) -> np.ndarray:
        return np.array(array)

    def to_numpy(self, array: Any) -> np.ndarray:
        if not isinstance(array, np.ndarray | np.generic):
            raise TypeError(f"{type(array).__name__} is no NumPy array")
        return np.array(array)

    def device_of(self, array: Any) -> str:
        return "cpu"

    def wait(self, outputs: Any) -> None:
        """NumPy has finished when it returns."""

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product: np.ndarray = a @ b
        return product

    def describe(self) -> dict[str, Any]:
        pools = threadpoolctl.threadpool_info()
        return {
            "versions": {"numpy": np.__version__},
            "threads": max((pool["num_threads"] for pool in pools), default=1),
            "blas": [" ".join(str(pool[name]) for name in BLAS if pool.get(name)) for pool in pools],
        }
