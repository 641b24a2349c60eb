"""When the results of samples are looked at: nobody knows it before, so that nothing can prepare for it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Looks:
    """The round in which a task's results are looked at, by task; of the task ``judged`` they are compared
    with the reference's as well."""

    rounds: Mapping[str, int]
    judged: str | None

    @classmethod
    def drawn(cls, tasks: Sequence[str], short: Sequence[str], rounds: int, invocation: int) -> Looks:
        """Return what is drawn for an invocation of ``rounds`` rounds: the first invocation looks at all
        tasks, each later one at one of them, a ``short`` one where there is one: others cost more."""
        one = secrets.choice(short or tasks)
        looked = tasks if invocation == 0 else [one]
        drawn = {task: secrets.randbelow(rounds) for task in looked}
        return cls(drawn, one if invocation == 0 else None)

    def now(self, task: str, turn: int) -> bool:
        """Return whether a task's results are looked at in this round."""
        return self.rounds.get(task) == turn
