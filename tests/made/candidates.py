"""Candidates that are the reference itself, with a function of theirs replaced, and verdicts on them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.examine import examine
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import REFERENCE, Catalog
from samestep.data import load
from samestep.frameworks import Settings

CATALOG = Catalog()
MANUAL = CATALOG.load(CATALOG.implementation("two_layer", REFERENCE))


def candidate(dtype="float32", workload="two_layer", case="tiny", inputs=None, **functions) -> Candidate:
    """Return the reference of a workload as a candidate, with some of its functions replaced."""
    settings, spec = Settings(dtype=dtype), CATALOG.spec(workload)
    about = spec.cases[case]
    dataset = load(about.dataset) if about.dataset else None
    inputs = inputs or spec.make_inputs(about, np.random.default_rng(0), dataset)
    module = CATALOG.load(CATALOG.implementation(workload, REFERENCE))
    names = {name: getattr(module, name, None) for name in ("adopt", "export", "trace", *spec.tasks)}
    mine = SimpleNamespace(__name__=f"samestep.impls.{workload}.mine", **{**names, **functions})
    adapter = CATALOG.load_adapter("numpy").Adapter(settings)
    return Candidate(mine, adapter, settings, spec, about, inputs)


def verdict(mine: Candidate, workload="two_layer") -> Verdict:
    """Return the verdict on a candidate; nothing is kept on disk."""
    module = CATALOG.load(CATALOG.implementation(workload, REFERENCE))
    reference = Reference(module, mine.spec, mine.settings.dtype)
    return examine(mine, Expectations(reference, mine.point, "test", SpreadCache(largest=0)))
