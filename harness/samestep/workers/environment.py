"""The environment of a worker's process: variables, processors, a folder for temporary files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from samestep.measure import clock

#: How the names begin of variables that change what a worker computes with, or how fast (not all of TF_: many
#: are Terraform's); and how those end that only say where something lies.
STEERING = (
    "ATEN_", "BLIS_", "CUBLAS_", "CUDA_", "CUDNN_", "DNNL_", "GLIBC_TUNABLES", "GOMP_", "JAX_", "KMP_",
    "LD_PRELOAD", "MALLOC_", "MKL_", "NPY_", "NUMEXPR_", "NVIDIA_TF32_OVERRIDE", "OMP_", "ONEDNN_",
    "OPENBLAS_", "PYTHONMALLOC", "PYTORCH_", "TF_CUDNN_", "TF_DETERMINISTIC_", "TF_DISABLE_", "TF_ENABLE_",
    "TF_FORCE_", "TF_GPU_", "TF_NUM_", "TF_USE_", "TF_XLA_", "TORCH", "XLA_",
)  # fmt: skip
LOCATIONS = ("_DIR", "_HOME", "_PATH", "_ROOT")

#: A temporary file that was not touched for this long is left over from a killed process.
LEFT_OVER_SECONDS = 24 * 3600.0


def environment(device: str, threads: int, cache: Path | None = None) -> dict[str, str]:
    """Return the variables of a worker: everything that is read at import time is set before it starts.

    ``cache`` is the folder of the compilers' caches; None leaves them where they are.
    """
    count = str(threads)
    variables = {
        **{f"{pool}_NUM_THREADS": count for pool in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB")},
        # A pool whose worker waits for its turn must sleep, as a thread that spins slows the one that works,
        # but not at once: within a step a thread that sleeps is woken late. So each spins about as long as it
        # takes to ask for the next turn.
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "10000",
        "KMP_BLOCKTIME": "1",  # in milliseconds
        "OPENBLAS_THREAD_TIMEOUT": "20",  # 2^20 cycles
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        # A GPU is shared by the workers of a run: none may take all of its memory.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    if device == "cpu":
        variables |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    return variables | (_compiler_caches(cache) if cache is not None else {})


def _compiler_caches(cache: Path) -> dict[str, str]:
    return {
        "TMPDIR": str(cache / "temporary"),  # Inductor's precompiled headers are temporary files
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TRITON_CACHE_DIR": str(cache / "triton"),
        "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def inherited(device: str) -> dict[str, str]:
    """Return what else steers a worker: variables of this process that `environment` leaves as they are.

    Only the last part of a path is kept.
    """
    own = environment(device, 1, Path())
    return {
        name: re.sub(r"/(?:[^/\s:,=]*/)*", "", value)
        for name, value in sorted(os.environ.items())
        if name.startswith(STEERING) and not name.endswith(LOCATIONS) and name not in own
    }


def changed(before: Mapping[str, str], device: str) -> list[str]:
    """Return the names of inherited variables that are not what they were."""
    return sorted({name for name, _ in before.items() ^ inherited(device).items()})


def tidy(folder: Path) -> None:
    """Make a folder for temporary files, without those that killed processes left long ago; where it cannot
    be made, the worker takes the system's own."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):  # a folder, or gone meanwhile
            if clock.wall_time() - path.stat().st_mtime > LEFT_OVER_SECONDS:
                path.unlink()


def processor_sets(threads: int) -> list[list[int]]:
    """Return disjoint sets of the processors that this process may use, each for a worker of N threads."""
    mine = sorted(os.sched_getaffinity(0))
    return [mine[i : i + threads] for i in range(0, max(1, len(mine) - threads + 1), threads)]
