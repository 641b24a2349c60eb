"""What an examination found, as plain data that travels: from a worker to its parent, into records, to a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class TensorStatistics:
    """A tensor in units of its spread, each number with the limit that it has to stay below.

    ``elements`` is the worst |error| / sigma, ``norm`` is ||E|| / ||sigma||, ``scale`` how far the factor is
    from 1; ``index`` is where the worst element is, and ``first`` the first one over the limit;
    ``certificate`` is the worst share of the proven bound, where it was asked.
    """

    terms: int
    size: int
    sigma: float
    elements: float
    elements_limit: float
    norm: float
    norm_limit: float
    scale: float
    scale_limit: float
    index: tuple[int, ...]
    first: tuple[int, ...] | None = None
    certificate: float | None = None

    @property
    def share(self) -> float:
        """The largest of the three, as a share of its limit."""
        pairs = (
            (self.elements, self.elements_limit),
            (self.norm, self.norm_limit),
            (abs(self.scale), self.scale_limit),
        )
        return max(value / limit if limit else (inf if value else 0.0) for value, limit in pairs)

    @property
    def breach(self) -> str | None:
        """The test that it does not pass; None where it passes all."""
        if not self.elements <= self.elements_limit:
            return "elements"
        if not self.norm <= self.norm_limit:
            return "norm"
        if not abs(self.scale) <= self.scale_limit:
            return "scale"
        return None


@dataclass(frozen=True)
class Precision:
    """``ratio`` is ||E|| / ||sigma|| of ``tensor``; ``classes`` what each arithmetic would give there."""

    label: str
    declared: str
    tensor: str
    ratio: float
    classes: Mapping[str, float]


@dataclass(frozen=True)
class FreeRun:
    """Per step: ``distance`` is ||w - w_reference|| / ||w_reference|| over all params, ``loss_distance`` the
    same of the loss, ``absorbed`` the part of the weights that the step left as they were though the
    reference moved them.

    ``growth`` is the factor by which the distance grows a step (a line through its logarithm);
    ``absorbed_from`` the first step that half of the weights did not feel, None if there is none.
    """

    task: str
    distance: list[float]
    loss_distance: list[float]
    absorbed: list[float]
    growth: float | None
    absorbed_from: int | None


@dataclass(frozen=True)
class Distance:
    """Over the tensors that both have: the worst element and the root mean square of the difference, in
    sigma; how many tensors there were; and whether all bits are the same."""

    worst: float
    rms: float
    tensors: int
    identical: bool
