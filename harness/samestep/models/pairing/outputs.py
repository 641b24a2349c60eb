"""Which output is which: by the path if both sides have the same ones, else by the place."""

from __future__ import annotations

import numpy as np

from samestep.models.pairing.arrangement import as_it_is
from samestep.models.pairing.linear_map import Counterpart, LinearMap, Values
from samestep.models.subject import ModelError
from samestep.nearest_name import listed


def pair_outputs(reference: Values, candidate: Values, what: str = "output") -> LinearMap:
    """Return the map between the outputs of both sides (or their inputs: ``what`` they are, for messages).

    Raises `ModelError` where they are not as many, or not of the same shapes.
    """
    if len(candidate) != len(reference):
        raise ModelError(
            f"the candidate has {_counted(candidate, what)}, the reference {_counted(reference, what)}: "
            "return the same ones"
        )
    same = set(candidate) == set(reference)
    partners = {name: name for name in candidate} if same else dict(zip(candidate, reference, strict=True))
    links = {}
    for name, source in partners.items():
        shape, theirs = np.shape(candidate[name]), np.shape(reference[source])
        if shape != theirs:
            raise ModelError(
                f"{_called(name, what)} of the candidate has shape {shape}, "
                f"{_called(source, what)} of the reference {theirs}{_hint(shape, theirs)}"
            )
        links[name] = Counterpart(
            (as_it_is(source, theirs),), "as it is" if same else f"by place: {_called(source, what)}"
        )
    return LinearMap(links, {name: np.shape(value) for name, value in reference.items()})


def _called(name: str, what: str) -> str:
    """What a sentence calls an output: its path, where it is one of several."""
    return f"{what} {name!r}" if name else f"the {what}"


def _counted(values: Values, what: str) -> str:
    """How many there are and what they are called: "2 outputs ('a', 'b')", "one output", "no output"."""
    if len(values) > 1:
        return f"{len(values)} {what}s ({listed(values)})"
    return f"one {what}" if values else f"no {what}"


def _hint(shape: tuple[int, ...], theirs: tuple[int, ...]) -> str:
    """Return what would make the shapes equal, for the end of a message."""
    if len(shape) == len(theirs) and sorted(shape) == sorted(theirs):
        left = list(range(len(shape)))
        axes = []
        for n in theirs:
            axis = next(axis for axis in left if shape[axis] == n)
            left.remove(axis)
            axes.append(axis)
        return f": transpose the candidate's by {tuple(axes)}"
    if np.prod(shape) == np.prod(theirs):
        return f": reshape the candidate's to {theirs}"
    return ""
