"""What samestep measures on a machine with a GPU, in one call:

    python -m tests.evidence.gpu [--part check] [--part networks] [--part sweep] [--device cpu --device gpu] [--out results]

Without a part all three: every rung of the three networks examined on the GPU; those networks timed on both devices, in
one run; and where the two cross, over the size of a batch. The runs are under ``--out``, and beside them, as
``runs.tar.gz``, all that has to be brought home from a machine that is lent. A part that fails does not keep the others.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
from pathlib import Path

from samestep.catalog.catalog import Catalog
from samestep.commands.bench import networks
from tests.made.places import CHECKOUT

PARTS = ("check", "networks", "sweep")
CROSSING = ("numpy_inplace", "torch_autograd", "torch_compile", "jax_grad", "jax_scan")


def asked_for(part: str, devices: list[str], out: Path) -> list[str]:
    """The words after ``samestep``; an examination is of the last device only, and leaves no run."""
    if part == "check":
        return ["check", *networks(Catalog()), f"--device={devices[-1]}"]
    swept = [*(f"two_layer/{name}" for name in CROSSING), "--sweep", "batch=64:4096"]
    words = ["run", *swept] if part == "sweep" else ["run"]
    return [*words, "--out", str(out), *(f"--device={one}" for one in devices)]


def packed(out: Path) -> Path:
    """All runs under a folder in one file, without the pages, which `samestep report` makes of them again."""
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
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    codes = []
    for part in asked.part or PARTS:
        words = asked_for(part, asked.device or ["cpu", "gpu"], asked.out)
        command = [sys.executable, "-m", "samestep", *words]
        done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False)
        (asked.out / f"{part}.txt").write_text(done.stdout, encoding="utf-8")
        print(f"{done.stdout}{part}: exit code {done.returncode}", flush=True)
        codes.append(done.returncode)
    print(f"all of it is in {packed(asked.out)}")
    sys.exit(int(any(codes)))  # a negative one is a signal's


if __name__ == "__main__":
    main()
