"""A pitfall: how it is seen, why it is, and on which arrays it is measured."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

#: The topics in the order of the page; each is a folder of this package.
PORT_TOPICS = (
    "convolutions", "resizing", "recurrence", "normalisation", "activations", "attention", "criteria",
    "updates", "exports",
)  # fmt: skip

#: What stands behind the name of the function that is the formula's where the first one is not.
MATCHED = "_matched"
#: What a function that is the formula's is said to do.
AGREES = "agrees"

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Pitfall:
    """One thing that ports meet.

    Attributes:
        name: the name of the formula, and of the functions that are compared with it.
        title: what it is about, in a few words.
        symptoms: what a person sees, as it would be typed into a search.
        cause: why, and what to set.
        formula: whose function the formula is.
        draw: makes the arrays that all functions get by name; floats become float32.
        kinds: the kinds of mistakes by which `samestep.compare` means it: "slope", of one layer "gru: reset".
        said: what it says of such a port (a test has one), "" where it says only where it begins.
        links: pages of a framework's documentation or issue tracker, by framework.
    """

    name: str
    title: str
    symptoms: tuple[str, ...]
    cause: str
    formula: str
    draw: Callable[[np.random.Generator], Arrays]
    kinds: tuple[str, ...] = ()
    said: str = ""
    links: Mapping[str, str] = field(default_factory=dict)

    def arrays(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Return the arrays, the same for one seed."""
        drawn = self.draw(np.random.default_rng(seed))
        return {n: x.astype(np.float32) if x.dtype == np.float64 else x for n, x in drawn.items()}


def normal(**shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Arrays]:
    """Return a ``draw`` of standard normal arrays of these shapes, by name."""
    return lambda random: {name: random.standard_normal(shape) for name, shape in shapes.items()}


def pitfalls() -> dict[str, Pitfall]:
    """Return all pitfalls by ``topic/name``."""
    topics = {name: importlib.import_module(f"samestep.conventions.ports.{name}") for name in PORT_TOPICS}
    return {f"{name}/{one.name}": one for name, topic in topics.items() for one in topic.PITFALLS}


def meant_by(layer: str, mistake: str) -> Pitfall | None:
    """Return the pitfall that a kind of mistake means in a kind of layer; None where there is none."""
    kinds = {f"{layer}: {mistake}", mistake}
    return next((one for one in pitfalls().values() if kinds.intersection(one.kinds)), None)
