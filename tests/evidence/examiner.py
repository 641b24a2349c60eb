"""Verdicts on many candidates in one process, as a worker gives them."""

from __future__ import annotations

from dataclasses import dataclass, field

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.examine import examine
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import Catalog
from samestep.workers.failures import failure
from tests.made.planting import reference_of

#: The processes of one script share the spreads on disk, which are deleted in the end.
LARGEST_BYTES = 2**35


@dataclass(frozen=True)
class Problem:
    """A case of a workload with the inputs of one seed."""

    workload: str
    case: str
    seed: int

    def selector(self, implementation: str) -> str:
        """Return the selector of an implementation on this case."""
        return f"{self.workload}:{self.case}/{implementation}"


@dataclass
class Examiner:
    """What the reference gives for each problem, shared by its candidates; all of one dtype."""

    dtype: str
    catalog: Catalog = field(default_factory=Catalog)
    known: dict[Problem, Expectations] = field(default_factory=dict)

    def expectations(self, problem: Problem, candidate: Candidate) -> Expectations:
        """Return what the reference gives from where the candidate starts."""
        if problem not in self.known:
            reference = reference_of(self.catalog, problem.workload, self.dtype)
            spreads = SpreadCache(LARGEST_BYTES)
            self.known[problem] = Expectations(reference, candidate.point, str(problem), spreads)
        return self.known[problem]

    def examine(self, problem: Problem, candidate: Candidate) -> Verdict:
        """Return the verdict on a candidate; what an implementation raises is its verdict."""
        try:
            return examine(candidate, self.expectations(problem, candidate))
        except Exception as error:
            return failure(error)

    def forget(self) -> None:
        """Drop what is known of all problems, which takes memory."""
        self.known.clear()
