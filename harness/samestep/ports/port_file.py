"""A port file as it was read: the reference, the candidates, and what they are compared on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from samestep.catalog.spec_calls import called
from samestep.models.asked import Inputs
from samestep.models.options import Convert, LayerNames
from samestep.ports.marking import Mark


@dataclass(frozen=True)
class Side:
    """A marked function: it makes the reference or a candidate, in a ``framework``.

    ``line`` is where it stands; ``takes_params`` says that it is given the reference's parameters.
    """

    mark: Mark
    build: Callable[..., object]
    framework: str
    line: int
    takes_params: bool = False

    @property
    def name(self) -> str:
        return self.mark.name


@dataclass(frozen=True)
class PortFile:
    """What a port file defines. ``loss`` is a name, or a function of (outputs, targets) for all sides."""

    path: Path
    summary: str
    reference: Side
    candidates: Sequence[Side]
    make_inputs: Callable[..., object]
    make_targets: Callable[..., object] | None = None
    loss: str | Callable[..., object] | None = None
    convert: Convert | None = None
    convert_state: Convert | None = None
    layers: LayerNames | None = None

    def inputs(self, seed: int = 0) -> Inputs:
        """Return the inputs of a seed, as ``inputs(rng)`` makes them."""
        return cast(Inputs, called("inputs(rng)", self.make_inputs, np.random.default_rng(seed)))

    def targets(self, seed: int = 0) -> object:
        """Return the targets of a seed, drawn after and apart from the inputs; None where there are none."""
        if self.make_targets is None:
            return None
        return called("targets(rng)", self.make_targets, np.random.default_rng((seed, 1)))
