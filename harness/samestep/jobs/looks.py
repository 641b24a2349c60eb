"""When the results of samples are looked at: nobody knows it before, so that nothing can prepare for it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Looks:
    """For each task of a worker the round in which its results are looked at; those of the task ``judged``
    are compared with the reference's as well."""

    rounds: Mapping[str, int]
    judged: str

    @classmethod
    def drawn(cls, tasks: Sequence[str], rounds: int) -> Looks:
        """Return what is drawn for one invocation of so many rounds."""
        return cls({task: secrets.randbelow(rounds) for task in tasks}, secrets.choice(tasks))

    def __getitem__(self, task: str) -> int:
        return self.rounds[task]
