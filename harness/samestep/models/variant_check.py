"""Both sides asked again on inputs that show what the caller's own may hide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.agreement.verdict import DISAGREE
from samestep.models.asked import Asked
from samestep.models.conclude import verdict_of
from samestep.models.expected import Progress
from samestep.models.gate_decisions import with_own_decisions
from samestep.models.judging import Comparison, Judge
from samestep.models.options import Options
from samestep.models.runs import open_programs, run_candidate
from samestep.models.subject import ModelError
from samestep.models.variants import batch_size, rows_identical, variants, with_rows


@dataclass(frozen=True)
class VariantFindings:
    """The first variant on which both sides differ, with its ``label``; None where there is none."""

    failed: Comparison | None
    label: str | None
    notes: tuple[str, ...]
    asides: tuple[str, ...] = ()


def ask_variants(comparison: Comparison, options: Options, progress: Progress) -> VariantFindings:
    """Return what the variants show. A variant that a model cannot take is noted, not judged."""
    notes: list[str] = []
    few, asked = options.with_few_replicas, comparison.asked
    mine, theirs = variants(asked.candidate), variants(asked.reference)
    for (label, question), (_, its) in zip(mine, theirs, strict=True):
        try:
            again = _compare(comparison, Asked(question, its), few, progress)
        except (ModelError, Refused) as error:
            notes.append(f"on {label} nothing was compared: {error}")
            continue
        if verdict_of(again.judged) == DISAGREE:
            return VariantFindings(
                again, label, (*notes, f"found on {label}: on the inputs as given both agree")
            )
    return VariantFindings(None, None, tuple(notes), tuple(rows_of(comparison)))


def _compare(comparison: Comparison, asked: Asked, options: Options, progress: Progress) -> Comparison:
    sides = comparison.sides
    programs = open_programs(sides.reference, asked.reference, options.contract)
    run = run_candidate(sides.candidate, asked.candidate, again=False)
    again = Judge(sides, asked, run, programs, comparison.links, options).compare(progress)
    return with_own_decisions(again, options, progress)


def rows_of(comparison: Comparison) -> list[str]:
    """Return whether rows of a batch hang on each other, as bits: reported, not judged."""
    question = comparison.asked.candidate
    size = batch_size(question)
    if size is None:
        return []
    whole = comparison.run.tensors
    lines = []
    orders = {"permuted rows give": np.arange(size)[::-1], "a single row gives": np.arange(1)}
    for what, rows in orders.items():
        try:
            part = comparison.sides.candidate.run(with_rows(question, rows))
        except ModelError as error:
            lines.append(f"{what} no result: {error}")
            continue
        identical = rows_identical(whole, part, rows)
        if identical is False:
            lines.append(f"{what} other bits than in the whole batch (another kernel: within the limits)")
    return lines
