"""JAX: immutable arrays, computed when they are ready."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from samestep.frameworks import Description, Settings, Shared, Unavailable

DISTRIBUTIONS = ("jax",)


class Adapter:
    def __init__(self, settings: Settings) -> None:
        jax.config.update("jax_enable_x64", settings.dtype == "float64")
        precision = "tensorfloat32" if settings.matmul == "tf32" else "float32"
        jax.config.update("jax_default_matmul_precision", precision)
        if settings.device == "cpu":  # once JAX looks at a GPU, it reserves its memory
            jax.config.update("jax_platforms", "cpu")
        try:
            self.device = jax.devices(settings.device)[0]
        except RuntimeError as error:
            raise Unavailable(f"JAX {jax.__version__} sees no {settings.device.upper()}") from error
        jax.config.update("jax_default_device", self.device)

    def asarray(self, array: np.ndarray) -> jax.Array:
        # jnp.array copies; jnp.asarray and device_put may share an ndarray's memory on the CPU.
        return jnp.array(array, device=self.device)

    def is_native(self, value: object) -> bool:
        return issubclass(type(value), jax.Array)  # isinstance would ask the value

    def to_numpy(self, array: object) -> np.ndarray:
        if not self.is_native(array):
            raise TypeError(f"{type(array).__name__} is not a jax.Array")
        return np.array(array)

    def device_of(self, array: jax.Array) -> str:
        # An NVIDIA GPU's platform is "gpu" or "cuda", as the version has it.
        platforms = {device.platform for device in array.devices()}
        return "cpu" if platforms == {"cpu"} else "gpu"

    def wait(self, outputs: object) -> None:
        jax.block_until_ready(outputs)

    def matmul(self, a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.matmul(a, b)

    def device_memory(self) -> int | None:
        # None on the CPU; a dict that may lack the peak where the allocator is not XLA's own.
        found: int | None = (self.device.memory_stats() or {}).get("peak_bytes_in_use")
        return found

    def shared(self) -> Shared:
        settings = {f"JAX's {name}": value for name, value in jax.config.values.items()}
        return Shared(settings, (jax, jnp, jnp.linalg, jax.lax, jax.nn, jax.random))

    def describe(self) -> Description:
        tf32 = jax.config.jax_default_matmul_precision == "tensorfloat32"
        return {
            "versions": {"jax": jax.__version__, "jaxlib": jaxlib.version.__version__},
            "device": self.device.device_kind,
            "threads": None,  # JAX does not report it; the affinity of the process bounds it
            "matmul": "tf32" if tf32 else "float32",
        }
