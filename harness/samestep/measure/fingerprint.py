"""The machine that a run was made on: enough to tell whether two runs may be compared."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from samestep.measure.hardware import cpu_name, gpus, instructions, read_text
from samestep.records.plan import Machine

ROOT = Path(__file__).resolve().parents[3]


def fingerprint() -> Machine:
    """Return CPU, governor, memory, GPUs, OS, Python, and the revision of samestep."""
    import psutil  # here, so that `samestep list` need not load it

    return Machine(
        cpu=cpu_name(),
        instructions=instructions(),
        processors=len(os.sched_getaffinity(0)),
        cores=psutil.cpu_count(logical=False),
        governor=read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        memory_bytes=psutil.virtual_memory().total,
        gpus=gpus(),
        os=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        executable=Path(sys.executable).name,
        revision=revision(),
        load=os.getloadavg()[0],
    )


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
