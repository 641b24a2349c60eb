"""Candidates that are the reference itself, with a function of theirs replaced, and verdicts on them."""

from __future__ import annotations

from types import SimpleNamespace

from samestep import open_cell
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.examine import examine
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import REFERENCE, Catalog
from tests.made.planting import reference_of

CATALOG = Catalog()
MANUAL = CATALOG.load(CATALOG.implementation("two_layer", REFERENCE))


def candidate(dtype="float32", workload="two_layer", case="tiny", inputs=None, **functions) -> Candidate:
    """Return the reference of a workload as a candidate, with some of its functions replaced."""
    found = open_cell(f"{workload}:{case}/{REFERENCE}", dtype=dtype, inputs=inputs)
    names = ("adopt", "export", "trace", *found.spec.tasks)
    own = {name: getattr(found.module, name, None) for name in names}
    found.native_calls.module = SimpleNamespace(
        __name__=f"samestep.impls.{workload}.mine", **{**own, **functions}
    )
    return found


def verdict(mine: Candidate, workload="two_layer") -> Verdict:
    """Return the verdict on a candidate; nothing is kept on disk."""
    reference = reference_of(CATALOG, workload, mine.settings.dtype)
    return examine(mine, Expectations(reference, mine.point, "test", SpreadCache(largest=0)))
