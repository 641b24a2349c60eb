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

    ``lines`` are its first and its last line; ``takes_params`` says that it is given the reference's
    parameters.
    """

    mark: Mark
    build: Callable[..., object]
    framework: str
    lines: tuple[int, int]
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

    def drawn(self, rng: np.random.Generator) -> tuple[Inputs, object]:
        """Return the inputs and the targets that ``rng`` gives, targets None where there are none.

        Each are drawn from a generator of their own. Raises `Wrong` for what a function of the file raises.
        """
        of_inputs, of_targets = rng.spawn(2)
        inputs = called("inputs(rng)", self.make_inputs, of_inputs)
        if self.make_targets is None:
            return cast(Inputs, inputs), None
        return cast(Inputs, inputs), called("targets(rng)", self.make_targets, of_targets)

    def side(self, name: str) -> Side:
        """Return the marked function of a name. Raises KeyError."""
        return {side.name: side for side in (self.reference, *self.candidates)}[name]
