"""The machine that a run was made on: enough to tell whether two runs may be compared."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from samestep.records.plan import Gpu, Machine
from samestep.records.schema import GpuState

#: Reasons for a lower clock that are no slowdown of a sample: idle, clocks that somebody set (nvml.h).
HARMLESS = 0x1 | 0x2

#: Vector instructions as /proc/cpuinfo names them, of x86 and of ARM.
VECTORS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve", "sve2")

ROOT = Path(__file__).resolve().parents[3]


def fingerprint() -> Machine:
    """Return CPU, governor, memory, GPUs, OS, Python, and the revision of samestep."""
    import psutil  # here, so that `samestep list` need not load it

    return Machine(
        cpu=cpu_name(),
        instructions=instructions(),
        processors=len(os.sched_getaffinity(0)),
        cores=psutil.cpu_count(logical=False),
        governor=_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        memory_bytes=psutil.virtual_memory().total,
        gpus=gpus(),
        os=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        executable=Path(sys.executable).name,
        revision=revision(),
        load=os.getloadavg()[0],
    )


def cpu_name() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo") or "", re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def instructions() -> tuple[str, ...]:
    """Return the widest sets of vector instructions that the processor has: kernels are chosen by them."""
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _read("/proc/cpuinfo") or "", re.MULTILINE)
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
        import pynvml
    except ModuleNotFoundError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    library: ModuleType = pynvml
    return library


def revision() -> str | None:
    """Return the commit that is checked out, marked where files differ from it; None outside of samestep's
    own checkout."""
    if not (ROOT / "harness" / "samestep").is_dir():
        return None
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def slug(machine: Machine) -> str:
    """Return a folder's name for the machine: its processor, how many, and its GPU."""
    names = [machine.cpu, f"{machine.processors}cpu", *(str(gpu.name) for gpu in machine.gpus[:1])]
    words = re.findall(r"[a-z0-9]+", " ".join(names).lower())
    return "-".join(w for w in words if w not in ("r", "tm", "processor", "cpu"))


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None
