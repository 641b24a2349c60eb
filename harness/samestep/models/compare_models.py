"""`samestep.compare` from end to end: from two models and inputs to a result that prints itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from samestep.agreement.arithmetic.program import Finding, Refused
from samestep.agreement.verdict import ABSTAINS, AGREE, DISAGREE, WEAKER
from samestep.models.asked import Asked
from samestep.models.axis_order import other_axis_order
from samestep.models.comparison import compare_once
from samestep.models.conclude import coverage_of, faults_of, first_of, kinds_of, verdict_of
from samestep.models.coverage import Coverage
from samestep.models.expected import Progress
from samestep.models.gate_decisions import with_own_decisions
from samestep.models.hidden import hidden
from samestep.models.judged import JudgedTensor
from samestep.models.judging import Comparison
from samestep.models.layer_certificates import certificates_after
from samestep.models.likely_cause import diagnose, placed_between
from samestep.models.localise import force_layers
from samestep.models.optimizer_check import StepsComparison, check_steps
from samestep.models.options import Options
from samestep.models.pairing.exchanged_names import exchanged_names
from samestep.models.precision_guess import guess_precision
from samestep.models.prepare import prepare
from samestep.models.repeatability import Repeatability, repeatability
from samestep.models.result import Result
from samestep.models.said_of_pairing import said_of_pairing
from samestep.models.settle_layers import with_layers_settled
from samestep.models.subject import ModelError, Subject
from samestep.models.tensors import Role
from samestep.models.unnamed_layers import with_layers_shown
from samestep.models.variant_check import ask_variants

#: The kind of finding for what is drawn at random, which another framework draws otherwise.
RANDOM = "random"


def compare_subjects(
    candidate: Subject, reference: Subject, asked: Asked, options: Options, progress: Progress
) -> Result:
    """Return the result. Raises `ModelError` for what cannot be run or compared."""
    sides = prepare(candidate, reference, options)
    try:
        comparison = compare_once(sides, asked, options, progress)
        comparison = with_own_decisions(comparison, options, progress)
        steps = check_steps(comparison, options, progress)
        judged = [*comparison.judged, *(steps.judged if steps is not None else ())]
    except Refused as refused:
        return _abstains(f"the reference cannot be interpreted: {refused}", (), options, Coverage())
    repeats = repeatability(comparison)
    notes: list[str] = []
    on, asides = None, tuple[str, ...]()
    if options.variants and verdict_of(judged) == AGREE:
        other = ask_variants(comparison, options, progress)
        notes, asides = list(other.notes), other.asides
        if other.failed is not None:
            comparison, judged, on = other.failed, list(other.failed.judged), other.label
    if verdict_of(comparison.judged) in (WEAKER, DISAGREE):
        comparison = with_layers_shown(comparison, options, progress)
        comparison = with_own_decisions(comparison, options, progress)
        comparison = with_layers_settled(comparison, options, progress)
        judged = [*comparison.judged, *(steps.judged if steps is not None else ())]
    notes = [*_observations(comparison), *notes]
    reason = _unknowable(comparison, verdict_of(judged), repeats)
    notes += (note for one in repeats for note in one.notes() if one.reason != reason)
    unseen = hidden(sides.reference.parameters(), sides.reference.layers(), comparison.programs.own)
    coverage = coverage_of(comparison, unseen, notes, judged)
    coverage = replace(coverage, asides=(*coverage.asides, *asides))
    if reason is not None:
        return _abstains(reason, judged, options, coverage)
    return replace(_conclude(comparison, steps, judged, coverage, options, progress), on=on)


def _conclude(
    comparison: Comparison,
    steps: StepsComparison | None,
    judged: Sequence[JudgedTensor],
    coverage: Coverage,
    options: Options,
    progress: Progress,
) -> Result:
    verdict = verdict_of(judged)
    kinds = kinds_of(comparison)
    first, forced = first_of(judged, verdict, kinds) if verdict != AGREE else None, None
    notes: list[str] = []
    if first is not None:
        notes += said_of_pairing(comparison.links, first)
        notes += _tags_wanted(comparison)
        try:
            forced = force_layers(comparison, options, progress)
        except (ModelError, Refused) as error:
            notes.append(f"no layer was looked at by itself: {error}")
    certificates, missing = certificates_after(comparison, forced, options)
    faults, found = faults_of(forced, verdict, kinds), None
    if verdict == DISAGREE and forced is not None and first is not None:
        first, found = placed_between(forced, first)
        faults = [placed_between(forced, one)[0] for one in faults]
    return Result(
        verdict,
        str(first) if first else None,
        judged,
        first,
        faults,
        found or (diagnose(comparison, forced, steps, first) if verdict == DISAGREE else None),
        guess_precision(comparison, first) if verdict == WEAKER else _handed_in_wrongly(comparison, verdict),
        replace(coverage, notes=(*notes, *coverage.notes), asides=(*coverage.asides, *missing)),
        tuple(kinds.items()),
        certificates,
        declared=options.declared,
        strict=options.strict,
        msg=options.msg,
    )


def _tags_wanted(comparison: Comparison) -> Iterator[str]:
    """How to find out where a difference begins in JAX code that names no layers."""
    shown = {"candidate": comparison.run.tensors, "reference": comparison.programs.own}
    subjects = {"candidate": comparison.sides.candidate, "reference": comparison.sides.reference}
    nameless = [
        side
        for side, tensors in shown.items()
        if subjects[side].framework == "jax" and not any(key.role is Role.LAYER for key in tensors)
    ]
    if nameless:
        who = f"the {' and the '.join(nameless)} {'name' if len(nameless) > 1 else 'names'}"
        yield f'{who} no layers: samestep.tag(x, "name") there shows where this begins'


def _handed_in_wrongly(comparison: Comparison, verdict: str) -> str | None:
    """What is no mistake of the code, but of what was handed in; None where nothing is known."""
    if verdict != DISAGREE:
        return None
    program, links = comparison.run.program, comparison.links.parameters
    drawn = _of_kind(program.findings, RANDOM) if program is not None else []
    if drawn and not _of_kind(comparison.programs.plain.findings, RANDOM):
        return "the candidate draws random numbers and the reference does not (dropout in train mode?)"
    swapped = exchanged_names(links)
    if swapped:
        held = ", ".join(f"{name} holds the reference's {source}" for name, source in swapped[:2])
        return f"parameters loaded the wrong way round: {held}" + (", and so on" if len(swapped) > 2 else "")
    missing, total = len(links.unmapped), len(links.unmapped) + len(links.links)
    if 2 * missing > total:
        return (
            f"the candidate does not hold the reference's weights ({total - missing} of {total} parameters "
            "found): load them, or pass convert="
        )
    return other_axis_order(comparison)


def _abstains(reason: str, judged: Sequence[JudgedTensor], options: Options, coverage: Coverage) -> Result:
    return Result(
        ABSTAINS, reason, judged, coverage=coverage, strict=options.strict, msg=options.msg
    )  # fmt: skip


def _unknowable(comparison: Comparison, verdict: str, repeats: Sequence[Repeatability]) -> str | None:
    """Why nothing can be said; None where something can."""
    if verdict == ABSTAINS:
        return "no tensor of one side corresponds to one of the other"
    outputs = [x for key, x in comparison.expected.exact.items() if key.role is Role.OUTPUT]
    if verdict == AGREE and outputs and not any(x.size for x in outputs):
        return "the outputs have no elements: nothing was compared"
    drawn = _of_kind(comparison.programs.plain.findings, RANDOM)
    if verdict != AGREE and drawn:
        return (
            f"the reference draws random numbers ({drawn[0].place}), and both sides share no mask: "
            "put it into eval mode, or set the rate to 0"
        )
    changing = (one for one in repeats if one.changes and (verdict == AGREE or not one.from_the_start))
    return next((one.reason for one in changing), None)


def _observations(comparison: Comparison) -> Iterator[str]:
    """What the engines saw."""
    yield from comparison.notes
    programs = {"reference": comparison.programs.plain, "candidate": comparison.run.program}
    for side, program in programs.items():
        seen = dict.fromkeys(program.findings if program is not None else ())
        yield from (f"{side}: {finding.text} ({finding.place})" for finding in seen)


def _of_kind(findings: Sequence[Finding], kind: str) -> list[Finding]:
    return [finding for finding in findings if finding.kind == kind]
