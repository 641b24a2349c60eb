"""What a pair of two libraries' code is, for `tests.evidence.real_libraries`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.evidence.ports.port import Case


@dataclass(frozen=True)
class Pair:
    """Two models of two libraries with the same random weights, or the same with a mistake in the candidate.

    ``places`` are the layers or tensors that may be named first, by either side's name (fnmatch patterns);
    without any the pair is right. ``cause`` is a word that a right diagnosis contains, None where none is
    expected. ``environment`` must be set before the libraries are imported. ``differs`` says what is known to
    differ between the libraries themselves.
    """

    name: str
    make: Callable[[], Case]
    places: tuple[str, ...] = ()
    cause: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    differs: str = ""

    @property
    def is_right(self) -> bool:
        """Whether no mistake is built in."""
        return not self.places
