"""What a comparison examined, and what it could not see: it stands beside every verdict."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Coverage:
    """What was compared and what was not, each a line for a person.

    ``modes`` says of each side what it is and which mode it is in. ``unmatched`` names tensors of either side
    without a counterpart; ``not_asked`` which question could not be asked, and why; ``hidden`` what these
    inputs and parameters hide (parameters that are all 0 or all 1, activations that never reached a kink);
    ``seen`` counts the tensors compared by what they are; ``notes`` are other findings that change no
    verdict, ``asides`` such as are of interest only to who asks for everything.
    """

    modes: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return all of it, a line each, with what was not examined first."""
        return [
            *(f"not examined: {line}" for line in self.unmatched),
            *(f"not asked: {line}" for line in self.not_asked),
            *(f"hidden: {line}" for line in self.hidden),
            *self.notes,
        ]

    def __str__(self) -> str:
        compared = (f"compared: {line}" for line in self.seen)
        return "\n".join([*self.modes, *compared, *self.lines(), *self.asides])
