"""The workloads, a folder each: installed they lie beside this file, in a checkout in its folder `impls`."""

from pathlib import Path

_checkout = Path(__file__).resolve().parents[3]
if Path(__file__).resolve().parents[1] == _checkout / "harness" / "samestep":
    __path__.append(str(_checkout / "impls"))
