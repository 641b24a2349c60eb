"""A cell: one implementation of a workload at one case, dtype, device, matmul precision and thread count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from samestep.codec import in_json

#: How the key ends of a cell's second copy, the A/A control.
AA_COPY = "again"


def runtime(framework: str, release: str) -> str:
    """Return the name of a framework, and of a release of it where there are several."""
    return f"{framework} of {release}" if release else framework


@dataclass(frozen=True)
class Cell:
    """One combination that is examined and timed.

    ``file`` is the path of an implementation outside of the catalog, or None; ``named`` says that the user
    asked for this framework by name, so that its absence is a failure; ``aa_copy`` that this is the A/A
    control: the same cell once more, whose difference from the first is noise. ``release`` names one of
    several environments of its framework (``jax==0.5.3``), "" where there is one.
    """

    workload: str
    case: str
    implementation: str
    framework: str
    dtype: str
    device: str
    matmul: str
    threads: int
    file: str | None = None
    named: bool = False
    aa_copy: bool = field(metadata=in_json("twin"), default=False)
    release: str = field(metadata=in_json(omit=True), default="")

    @property
    def key(self) -> str:
        """The cell's name in records: ``two_layer:tiny/torch_nn/float32/cpu/float32/2t``."""
        parts = (
            self.of_case, self.implementation, self.dtype, self.device, self.matmul, f"{self.threads}t",
            *([self.release] if self.release else []), *([AA_COPY] if self.aa_copy else []),
        )  # fmt: skip
        return "/".join(parts)

    @property
    def runtime(self) -> str:
        """What the interpreter of a cell is chosen by."""
        return runtime(self.framework, self.release)

    @property
    def of_case(self) -> str:
        """The workload and its case: ``two_layer:tiny``."""
        return f"{self.workload}:{self.case}"

    @property
    def label(self) -> str:
        """The cell for a reader: ``two_layer:tiny/torch_nn float32 cpu``."""
        return f"{self.of_case}/{self.implementation} {self.dtype} {self.device}"


@dataclass(frozen=True)
class Options:
    """The options that the cells of a selection are crossed with, as on the command line."""

    dtypes: Sequence[str] = ("float32",)
    devices: Sequence[str] = ("cpu",)
    matmul: str = "float32"
    threads: int = 1
    sweep: str | None = None
    shard: str | None = None
