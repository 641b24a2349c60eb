"""One comparison for each dtype that is asked for, and the worst of them as the result."""

from __future__ import annotations

from dataclasses import replace

from samestep.agreement.verdict import ABSTAINS, AGREE, DISAGREE, WEAKER
from samestep.models.asked import Asked
from samestep.models.compare_models import compare_subjects
from samestep.models.dtypes import AS_GIVEN
from samestep.models.expected import Progress
from samestep.models.options import Options
from samestep.models.prepare import exactly_added
from samestep.models.result import Result
from samestep.models.runs import naming
from samestep.models.subject import Subject

#: From the worst to the best: what abstains says less than what agrees.
WORST_FIRST = (DISAGREE, WEAKER, ABSTAINS, AGREE)


def compare_in_dtypes(
    candidate: Subject, reference: Subject, asked: Asked, options: Options, progress: Progress
) -> Result:
    """Return the worst result over ``options.dtypes``, the first of these where several are as bad.

    Its ``on`` names the dtype where that is not the first one; the coverage says what the others gave. Raises
    `ModelError`.
    """
    results = [_compared(dtype, candidate, reference, asked, options, progress) for dtype in options.dtypes]
    if len(results) == 1:
        return results[0]
    worst = min(results, key=lambda result: WORST_FIRST.index(result.verdict))
    at = results.index(worst)
    others = [
        f"in {dtype}: {result.verdict}"
        for dtype, result in zip(options.dtypes, results, strict=True)
        if result is not worst
    ]
    named = worst if at == 0 else _named(worst, options.dtypes[at])
    coverage = replace(named.coverage, notes=(*others, *named.coverage.notes))
    return replace(named, coverage=coverage)


def _compared(
    dtype: str, candidate: Subject, reference: Subject, asked: Asked, options: Options, progress: Progress
) -> Result:
    here = replace(options, dtypes=(dtype,))
    if dtype == AS_GIVEN:
        return compare_subjects(candidate, reference, asked, here, progress)
    if options.convert is None:  # sums are found by the values that they have before they are rounded
        candidate, reference = exactly_added(candidate, reference, None, dtype)
    with naming("candidate"):
        candidate = candidate.cast(dtype)
    with naming("reference"):
        reference = reference.cast(dtype)
    asked = Asked(asked.candidate.in_dtype(dtype), asked.reference.in_dtype(dtype))
    result = compare_subjects(candidate, reference, asked, replace(here, optimizer=None), progress)
    if options.optimizer is None:
        return result
    said = f"optimiser steps in {dtype}: they are asked in {AS_GIVEN} only"
    return replace(result, coverage=replace(result.coverage, not_asked=(*result.coverage.not_asked, said)))


def _named(result: Result, dtype: str) -> Result:
    on = f"{result.on} in {dtype}" if result.on else dtype
    reason = f"in {dtype}: {result.reason}" if result.verdict == ABSTAINS else result.reason
    return replace(result, on=on, reason=reason)
