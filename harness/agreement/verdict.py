"""What agreement says of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

AGREE, SUSPECT, DISAGREE = "agree", "suspect", "disagree"
INVALID, UNAVAILABLE, CRASHED = "invalid", "unavailable", "crashed"
TIMEOUT, OUT_OF_MEMORY = "timeout", "out_of_memory"


@dataclass(frozen=True)
class Divergence:
    """The first place where a cell parts from the reference.

    ``step`` counts forced steps from 0; ``index`` is None where no single element is to blame;
    ``test`` names the check that spoke.
    """

    step: int
    task: str
    tensor: str
    index: tuple[int, ...] | None
    got: float | None
    expected: float | None
    error: float | None
    limit: float | None
    test: str

    def __str__(self) -> str:
        where = f"{self.tensor}{list(self.index) if self.index else ''}"
        place = f"{self.task}, step {self.step}: {where}"
        if self.got is None or self.expected is None:
            return f"{place}: {self.test}"
        text = f"{place} is {self.got:.9g}, expected {self.expected:.9g}"
        return f"{text} (off by {self.error:.3g}, limit {self.limit:.3g}; {self.test})"


@dataclass(frozen=True)
class Verdict:
    """A cell's verdict with its reason; ``tensors`` holds the worst error over limit of each tensor."""

    verdict: str
    reason: str | None = None
    first_divergence: Divergence | None = None
    tensors: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Disagreement(Exception):
    """Raised by a check that found a divergence."""

    def __init__(self, divergence: Divergence, reason: str | None = None) -> None:
        super().__init__(reason or str(divergence))
        self.divergence = divergence


class Invalid(Exception):
    """Raised where an implementation breaks the protocol: names, shapes, dtypes, device, not finite."""
