"""The processor and the GPUs: what they are, and what a GPU does right now."""

from __future__ import annotations

import ctypes
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

#: Reasons for a lower clock that do not slow a sample down: idle, clocks that somebody set (nvml.h).
HARMLESS = 0x1 | 0x2

#: Vector instructions as /proc/cpuinfo names them, of x86 and of ARM.
VECTORS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve", "sve2")


#: The driver's library, by the name that pynvml looks for on Linux.
NVML = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver describes it; memory in bytes."""

    name: str | None = None
    memory_bytes: int | None = None
    driver: str | None = None


@dataclass(frozen=True)
class GpuState:
    """A GPU's clock (MHz), its temperature (Celsius), and whether it lowers its own clock."""

    clock: float | None = None
    temperature: float | None = None
    throttled: bool = False


def cpu_name() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", read_text("/proc/cpuinfo") or "", re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def instructions() -> tuple[str, ...]:
    """Return the widest sets of vector instructions that the processor has: kernels are chosen by them."""
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", read_text("/proc/cpuinfo") or "", re.MULTILINE)
    return tuple(name for name in VECTORS if flags and name in flags[1].split())


def gpus() -> tuple[Gpu, ...]:
    """Return what the driver says of each GPU; nothing where there is none, or no driver, or no NVML."""
    nvml = _nvml()
    if nvml is None:
        return ()
    handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
    driver = nvml.nvmlSystemGetDriverVersion()
    return tuple(
        Gpu(nvml.nvmlDeviceGetName(handle), int(nvml.nvmlDeviceGetMemoryInfo(handle).total), driver)
        for handle in handles
    )


def gpu_state() -> GpuState | None:
    """Return the state of the first GPU now; None where no driver reports it."""
    nvml = _nvml()
    if nvml is None:
        return None
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(0)
        reasons = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        return GpuState(
            clock=nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
            temperature=nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
            throttled=bool(reasons & ~HARMLESS),
        )
    except nvml.NVMLError:
        return None


def _nvml() -> ModuleType | None:
    """Return the driver's library, ready to be asked; None where it is not installed or finds no driver."""
    try:
        ctypes.CDLL(NVML)  # first: most machines have none, and pynvml takes a tenth of `samestep list`
        import pynvml
    except (OSError, ModuleNotFoundError):
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    library: ModuleType = pynvml
    return library


def read_text(path: str) -> str | None:
    """Return the text of a file of the system; None where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None
