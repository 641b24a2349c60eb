"""PyTorch: tensors on a device for which kernels are queued."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeGuard

import numpy as np
import torch

from samestep.frameworks import Description, Settings, Shared, Unavailable

DISTRIBUTIONS = ("torch",)


class Adapter:
    def __init__(self, settings: Settings) -> None:
        if settings.device == "gpu" and not torch.cuda.is_available():
            raise Unavailable(f"PyTorch {torch.__version__} sees no GPU")
        self.device = torch.device("cuda" if settings.device == "gpu" else "cpu")
        torch.set_num_threads(settings.threads)
        tf32 = settings.matmul == "tf32"
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32

    def asarray(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.tensor(array, device=self.device)
        # PyTorch's own type for indices and class labels is int64.
        return tensor.long() if array.dtype.kind == "i" else tensor

    def is_native(self, value: object) -> TypeGuard[torch.Tensor]:
        return issubclass(type(value), torch.Tensor)  # isinstance would ask the value

    def to_numpy(self, array: object) -> np.ndarray:
        if self.is_native(array):
            return np.array(array.detach().cpu().numpy())
        raise TypeError(f"{type(array).__name__} is not a torch.Tensor")

    def device_of(self, array: torch.Tensor) -> str:
        return "gpu" if array.device.type == "cuda" else array.device.type

    def wait(self, outputs: object) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def matmul(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a @ b

    def stopwatch(self) -> Stopwatch | None:
        return Stopwatch() if self.device.type == "cuda" else None

    def device_memory(self) -> int | None:
        return torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None

    def generators(self) -> Callable[[], None]:
        state = torch.get_rng_state()
        if self.device.type != "cuda":
            return lambda: torch.set_rng_state(state)
        on_device = torch.cuda.get_rng_state()

        def put_back() -> None:
            torch.set_rng_state(state)
            torch.cuda.set_rng_state(on_device)

        return put_back

    def shared(self) -> Shared:
        backends, autocast = torch.backends, ("cpu", "cuda")
        settings = {
            "PyTorch's grad mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
            "PyTorch's anomaly detection": torch.is_anomaly_enabled(),
            "PyTorch's default dtype": torch.get_default_dtype(),
            "PyTorch's default device": torch.get_default_device(),
            "PyTorch's modes": torch._C._len_torch_function_stack(),
            "PyTorch's autocast": [
                (torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in autocast
            ],
            "PyTorch's deterministic mode": torch.get_deterministic_debug_mode(),
            "PyTorch's filling of memory": torch.utils.deterministic.fill_uninitialized_memory,
            "PyTorch's threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
            "PyTorch's precision of matrix products": torch.get_float32_matmul_precision(),
            "PyTorch's mode of cuDNN": [
                getattr(backends.cudnn, name)
                for name in ("enabled", "benchmark", "deterministic", "allow_tf32")
            ],
            "PyTorch's mode of oneDNN": torch._C._get_mkldnn_enabled(),
            "PyTorch's kinds of attention": (
                backends.cuda.flash_sdp_enabled(),
                backends.cuda.math_sdp_enabled(),
                backends.cuda.mem_efficient_sdp_enabled(),
            ),
            "PyTorch's hooks of all modules": [
                list(hooks) if isinstance(hooks, Mapping) else hooks
                for name, hooks in vars(torch.nn.modules.module).items()
                if name.startswith("_global")
            ],
        }
        nn = torch.nn
        return Shared(
            settings, (torch, torch.Tensor, torch.linalg, nn, nn.functional, nn.Module, torch.optim)
        )

    def describe(self) -> Description:
        return {
            "versions": {"torch": torch.__version__, "cuda": torch.version.cuda},
            "blas": [f"{_blas()}, kernels for {torch.backends.cpu.get_cpu_capability()}"],
            "threads": torch.get_num_threads(),
            "matmul": "float32" if torch.get_float32_matmul_precision() == "highest" else "tf32",
        }


def _blas() -> str:
    """Return the BLAS that PyTorch was built with; only the text of its build configuration names it."""
    found = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    return found[1] if found else "no BLAS"


class Stopwatch:
    """CUDA events, which the device time-stamps when it reaches them."""

    def __init__(self) -> None:
        self.began, self.ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def start(self) -> None:
        self.began.record()

    def stop(self) -> None:
        self.ended.record()

    def seconds(self) -> float:
        self.ended.synchronize()
        return float(self.began.elapsed_time(self.ended)) / 1e3  # elapsed_time is in milliseconds
