"""NumPy: every call has finished when it returns."""

from __future__ import annotations

import numpy as np
import threadpoolctl

from samestep.frameworks import Description, Settings, Unavailable

DISTRIBUTIONS = ("numpy",)

#: What is recorded of a BLAS; the architecture is that of the kernels that it chose.
BLAS = ("internal_api", "version", "architecture")


class Adapter:
    def __init__(self, settings: Settings) -> None:
        if settings.device != "cpu":
            raise Unavailable("NumPy computes on the CPU only")
        threadpoolctl.threadpool_limits(settings.threads)
        # The agreement finds wrong numbers; warnings on stderr would only hide other messages.
        np.seterr(all="ignore")

    def asarray(self, array: np.ndarray) -> np.ndarray:
        return np.array(array)

    def is_native(self, value: object) -> bool:
        return issubclass(type(value), np.ndarray | np.generic)  # isinstance would ask the value

    def to_numpy(self, array: object) -> np.ndarray:
        if not self.is_native(array):
            raise TypeError(f"{type(array).__name__} is not a NumPy array")
        return np.array(array)

    def device_of(self, array: np.ndarray) -> str:
        return "cpu"

    def wait(self, outputs: object) -> None:
        """NumPy has finished when it returns."""

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product: np.ndarray = a @ b
        return product

    def describe(self) -> Description:
        pools = threadpoolctl.threadpool_info()
        return {
            "versions": {"numpy": np.__version__},
            "threads": max((pool["num_threads"] for pool in pools), default=1),
            "blas": [" ".join(str(pool[name]) for name in BLAS if pool.get(name)) for pool in pools],
        }
