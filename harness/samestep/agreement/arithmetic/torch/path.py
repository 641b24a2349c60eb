"""The path of a run: which operations it made, in order, what their results look like, and what it decided.

The first exact run writes it. The others follow it: their handles get the form of the first run's, and what
turns a value into an integer gives the first run's integer, so that a flip is a finding and no noise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from samestep.agreement.arithmetic.program import Finding
from samestep.agreement.arithmetic.torch.places import place


class OtherPath(Exception):
    """A run made another operation than the path has next."""


@dataclass(frozen=True)
class Form:
    """What a result looks like: everything of a tensor but its values."""

    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Form:
        """Return the form of a tensor."""
        return cls(tensor.shape, tensor.stride(), tensor.dtype, tensor.device)

    def handle(self, values: torch.Tensor) -> torch.Tensor:
        """Return an empty tensor of this form; where ``values`` have another shape, of theirs."""
        if values.shape != self.shape:
            return torch.empty_strided(values.shape, values.stride(), dtype=self.dtype, device=self.device)
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=self.device)


@dataclass(slots=True)
class Step:
    """One operation: its ``name``, the ``forms`` of its results (None: not new), and what it ``decided``."""

    name: str
    forms: tuple[Form | None, ...] = ()
    integer: bool = False
    alias: bool = False
    decided: Any = None


@dataclass
class Path:
    """The steps of the first run, and where a run that follows them stands.

    ``uniform`` says that all its roundings are those of float32.
    """

    steps: list[Step] = field(default_factory=list)
    at: int = 0
    uniform: bool = True
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def write(self, step: Step) -> None:
        """Add a step of the first run."""
        self.steps.append(step)

    def follow(self, name: str) -> Step:
        """Return the next step, which is of the operation ``name``. Raises `OtherPath`."""
        if self.at >= len(self.steps) or self.steps[self.at].name != name:
            raise OtherPath(self.describe(name))
        self.at += 1
        return self.steps[self.at - 1]

    def describe(self, name: str) -> str:
        """Return what a run did instead of the next step."""
        expected = self.steps[self.at].name if self.at < len(self.steps) else "the end"
        return f"{name} where the exact run has {expected}"

    def find(self, kind: str, text: str) -> None:
        """Note a finding, once for each place."""
        at = place()
        self.findings.setdefault((kind, at), Finding(kind, at, text))

    def decide(self, kept: Any, name: str, value: Any) -> Any:
        """Return ``kept``, the integer or integers that the first run had here; what differs is found."""
        if isinstance(kept, torch.Tensor):
            same = kept.shape == value.shape and bool(torch.equal(kept, value))
            kept = kept.clone()
        else:
            same = kept == value
        if not same:
            self.find("decides", f"{name} turns a value that rounding moves into an integer")
        return kept
