"""What a port and a planted fault are, for all commands of evidence on models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from samestep.models.asked import Inputs


@dataclass(frozen=True)
class Case:
    """One comparison: what `samestep.compare` is called with, apart from the seed."""

    candidate: object
    reference: object
    inputs: Inputs
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Port:
    """A correct port: ``make(seed)`` draws weights and inputs anew.

    ``needs`` names the packages beside NumPy. ``weaker`` says why the port may be called weaker (a one-pass
    variance); None where only agree is right.
    """

    name: str
    make: Callable[[int], Case]
    needs: tuple[str, ...]
    weaker: str | None = None


@dataclass(frozen=True)
class Fault:
    """A mistake of a kind that people report, planted in a port.

    ``make(seed)`` returns the faulty case. ``places`` are the layers or tensors that may be named first, by
    the candidate's or the reference's name (fnmatch patterns); ``cause`` is a word that a right diagnosis
    contains, None where none is expected; ``verdicts`` are the right verdicts. ``unseen`` is the reason where
    the fault is known not to be seen.
    """

    name: str
    make: Callable[[int], Case]
    needs: tuple[str, ...]
    places: tuple[str, ...]
    cause: str | None = None
    verdicts: tuple[str, ...] = ("disagree",)
    unseen: str | None = None
