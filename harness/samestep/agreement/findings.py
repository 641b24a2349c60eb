"""The findings of an examination, as plain data for workers, records and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class TensorStatistics:
    """The error of one tensor relative to its spread, each statistic with its limit.

    ``elements`` is the worst |error| / sigma, at ``index``; ``norm`` is ||E|| / ||sigma||; ``scale`` is <E,
    G> / <G, G>, how far the common factor is from 1. ``sigma`` is the root mean square of the spread, in the
    tensor's units; ``terms`` the longest sum that leads to the tensor, and ``size`` its number of elements.
    ``first`` is the first element over the limit; ``certificate`` the worst |error| / bound, where it was
    computed.
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
        """The largest of the three statistics, as a share of its limit."""
        pairs = (
            (self.elements, self.elements_limit),
            (self.norm, self.norm_limit),
            (abs(self.scale), self.scale_limit),
        )
        return max(value / limit if limit else (inf if value else 0.0) for value, limit in pairs)

    @property
    def breach(self) -> str | None:
        """The first of the three tests that fails: elements, norm or scale; None where all pass."""
        if not self.elements <= self.elements_limit:
            return "elements"
        if not self.norm <= self.norm_limit:
            return "norm"
        if not abs(self.scale) <= self.scale_limit:
            return "scale"
        return None


@dataclass(frozen=True)
class Precision:
    """The arithmetic ``label`` that was identified, beside the ``declared`` one.

    ``ratio`` is ||E|| / ||sigma|| of ``tensor``, and ``classes`` what it would be in each arithmetic.
    """

    label: str
    declared: str
    tensor: str
    ratio: float
    classes: Mapping[str, float]


@dataclass(frozen=True)
class FreeRun:
    """A free run of ``task`` beside the reference, step by step.

    ``distance`` is ||w - w_reference|| / ||w_reference|| over all params, ``loss_distance`` the same of the
    loss, and ``absorbed`` the share of the parameters whose update was lost to rounding: the step left them
    unchanged, though the reference moved them. ``growth`` is the factor by which the distance grows in one
    step (from a line fitted to its logarithm); ``absorbed_from`` the first step that more than half of the
    updates were lost in. Both are None where there is none.
    """

    task: str
    distance: Sequence[float]
    loss_distance: Sequence[float]
    absorbed: Sequence[float]
    growth: float | None
    absorbed_from: int | None


@dataclass(frozen=True)
class Distance:
    """The distance between two implementations, over the ``tensors`` that both have.

    ``worst`` is the largest |difference| of an element and ``rms`` its root mean square, both in sigma;
    ``identical`` says whether all bits are the same.
    """

    worst: float
    rms: float
    tensors: int
    identical: bool
