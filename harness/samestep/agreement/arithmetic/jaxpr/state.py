"""What one run carries along: its errors, what is nudged, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from samestep.agreement.arithmetic.jaxpr.draws import Draws
from samestep.agreement.arithmetic.program import Contract, Finding, Level, Literal, Nudge, Record

#: None where rounding does not reach a value; else the length of the longest sum on the way to it.
Taint = int | None


@dataclass
class Run:
    """One run of a program.

    ``draws`` is None for exact runs. ``record`` is filled by the first run, which notes how results round if
    it ``measures``: replicas need that. ``shared`` are digests of
    constants that the other side holds as well, and that so owe nothing.
    """

    record: Record
    draws: Draws | None = None
    level: Level = Level.OWN
    nudge: Nudge | None = None
    contract: Contract = Contract.FLOAT32
    shared: frozenset[str] = frozenset()
    measures: bool = True

    def found(self, kind: str, place: str, text: str) -> None:
        """Add a finding, once."""
        finding = Finding(kind, place, text)
        if finding not in self.record.findings:
            self.record.findings.append(finding)

    def literal(self, literal: Literal) -> None:
        """Add a literal that is not held exactly, once."""
        if literal not in self.record.literals:
            self.record.literals.append(literal)


def longest(*taints: Taint) -> Taint:
    """Return the taint of what follows from all of these."""
    lengths = [taint for taint in taints if taint is not None]
    return max(lengths) if lengths else None
