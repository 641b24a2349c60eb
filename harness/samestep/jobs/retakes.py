"""Which disturbed samples are re-measured: few, and none where the machine is so busy that it is in vain."""

from __future__ import annotations

from dataclasses import dataclass

#: Of how many turns at most a disturbed sample is re-measured.
SHARE = 1 / 8


@dataclass
class Retakes:
    """The turns of an invocation, those that were re-measured, and those of which that was disturbed too.

    Where two re-measured samples, and more than half of all of them, are disturbed as well, what keeps the
    machine busy stays: another would be no better.
    """

    turns: int = 0
    taken: int = 0
    in_vain: int = 0

    @property
    def worth_it(self) -> bool:
        """Whether another disturbed sample is to be re-measured."""
        return self.taken < max(1, SHARE * self.turns) and self.in_vain <= max(1, self.taken / 2)

    def again(self, disturbed: bool) -> None:
        """Count a re-measured sample, and whether it was disturbed too."""
        self.taken += 1
        self.in_vain += disturbed
