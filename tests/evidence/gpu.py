"""What samestep measures on a machine with a GPU, in one call:

    python -m tests.evidence.gpu [--part check] [--part networks] [--part sweep] [--device cpu --device gpu] [--out results]

Without a part all three: every rung of the three networks examined on the GPU; those networks timed on both devices, in
one run; and from which batch size on the GPU is faster. The runs are under ``--out``, and beside them, as ``runs.tar.gz``,
all that has to be copied from a remote machine. A part that fails does not keep the others from running.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
from pathlib import Path

from samestep.catalog.catalog import Catalog
from samestep.jobs.planning import networks
from tests.made.places import CHECKOUT

PARTS = ("check", "networks", "sweep")
SWEPT = ("numpy_inplace", "torch_autograd", "torch_compile", "jax_grad", "jax_scan")


def arguments(part: str, devices: list[str], out: Path) -> list[str]:
    """Return the arguments of ``samestep``; a check is of the last device only, and leaves no run."""
    if part == "check":
        return ["check", *networks(Catalog()), f"--device={devices[-1]}"]
    swept = [*(f"two_layer/{name}" for name in SWEPT), "--sweep", "batch=64:4096"]
    command = ["run", *swept] if part == "sweep" else ["run"]
    return [*command, "--out", str(out), *(f"--device={one}" for one in devices)]


def packed(out: Path) -> Path:
    """Write all runs under a folder into one file, without what `samestep report` makes of them again."""
    path = out / "runs.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name in sorted((*out.glob("*/*/run.json"), *out.glob("*/*/samples.jsonl"), *out.glob("*.txt"))):
            file.add(name, name.relative_to(out))
    return path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--device", action="append")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    codes = []
    for part in options.part or PARTS:
        chosen = arguments(part, options.device or ["cpu", "gpu"], options.out)
        command = [sys.executable, "-m", "samestep", *chosen]
        done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False)
        (options.out / f"{part}.txt").write_text(done.stdout, encoding="utf-8")
        print(f"{done.stdout}{part}: exit code {done.returncode}", flush=True)
        codes.append(done.returncode)
    print(f"all of it is in {packed(options.out)}")
    sys.exit(int(any(codes)))  # a negative one is a signal's


if __name__ == "__main__":
    main()
