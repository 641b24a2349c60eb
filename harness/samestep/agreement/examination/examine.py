"""From an examination to a verdict: a proof is final, a suspicion is re-checked on perturbed inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation
from samestep.agreement.diagnosis.diagnose import diagnose, diagnose_test
from samestep.agreement.diagnosis.mismatch import Mismatch
from samestep.agreement.distance import save_outputs
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.perturbed import perturb
from samestep.agreement.examination.raw_calls import Returned
from samestep.agreement.examination.stages import LENGTHS, Examination
from samestep.agreement.examination.timed_result import check_timed
from samestep.agreement.reference.expectation import Expectation, Expectations
from samestep.agreement.verdict import (
    ABSTAINS,
    AGREE,
    DISAGREE,
    INVALID,
    SUSPECT,
    Diagnosis,
    Disagreement,
    Invalid,
    Refuted,
    Suspicion,
    Verdict,
)

#: The perturbations that a suspicion is re-checked on; the first one serves the stage repeatability.
RECHECKS = (2, 3)


def examine(
    candidate: Candidate, expectations: Expectations, path: Path | None = None, only: bool = False
) -> Verdict:
    """Return the verdict on a candidate, which goes through all stages once the reference is proven.

    What it gave at its first step is written to ``path``, for `samestep.agreement.distance`. ``only`` says
    that it is examined in no other dtype. Exceptions of the candidate's own code are not caught.
    """
    examination = Examination(candidate, expectations, only)

    def stages() -> None:
        expectations.prove()
        examination.run()

    verdict = _verdict_of(examination, stages)
    if path is not None and verdict.verdict != ABSTAINS:
        save_outputs(path, examination.comparisons.given, examination.comparisons.sigmas)
    return verdict


def confirm(candidate: Candidate, expectations: Expectations) -> Verdict:
    """Return the verdict on two more forced steps of a candidate that agreed and has been at work since.

    The state before the second step is new to it. Exceptions of its own code are not caught.
    """
    examination = Examination(candidate, expectations)
    return _verdict_of(examination, lambda: examination.force_steps(2, lengths=LENGTHS[-1:]))


def examine_timed(
    candidate: Candidate,
    expectations: Expectations,
    task: str,
    loops: int,
    returned: Returned,
    judged: bool,
) -> tuple[Verdict, str | None]:
    """Return the verdict on N timed ``loops`` of a task, made once more, and what of the last one's result
    does not go with it (`samestep.agreement.examination.timed_result.check_timed`)."""
    examination, doubts = Examination(candidate, expectations), list[str | None]()

    def compared() -> None:
        doubts.append(check_timed(examination, task, loops, returned, judged))

    return _verdict_of(examination, compared), doubts[0] if doubts else None


def _verdict_of(examination: Examination, stages: Callable[[], None]) -> Verdict:
    """Return what came of the stages; where the reference is no judge, `abstains`."""
    try:
        return _judged(examination, stages)
    except (Refuted, UnknownOperation) as nothing:  # only the reference runs on arrays that know rounding
        return Verdict(ABSTAINS, str(nothing))


def _judged(examination: Examination, stages: Callable[[], None]) -> Verdict:
    try:
        stages()
    except Suspicion as found:
        return _recheck(examination, found)
    except Disagreement as found:
        return _verdict(examination, DISAGREE, found)
    except Invalid as broken:
        return _verdict(examination, INVALID, broken)
    return _verdict(examination, AGREE)


def _recheck(examination: Examination, first: Suspicion) -> Verdict:
    """On perturbed inputs a mistake shows again, and an accident of rounding does not."""
    confirmed = 0
    for number in RECHECKS:
        candidate = perturb(examination.candidate, number)
        expectations = examination.expectations.perturbed(f"perturbation {number}", candidate.point)
        try:
            Examination(candidate, expectations).examine_inputs()
        except (Disagreement, Invalid):
            confirmed += 1
    if not confirmed:
        examination.comparisons.notes.append(f"re-checked on perturbed inputs, and not confirmed: {first}")
        return _verdict(examination, AGREE)
    return _verdict(examination, DISAGREE if confirmed == len(RECHECKS) else SUSPECT, first)


def _verdict(examination: Examination, verdict: str, found: Disagreement | Invalid | None = None) -> Verdict:
    diagnosis = _diagnosis(examination, found) if isinstance(found, Disagreement) else None
    comparisons = examination.comparisons
    return Verdict(
        verdict=verdict,
        reason=f"{found}; {diagnosis}" if diagnosis else str(found) if found else None,
        first_divergence=found.divergence if isinstance(found, Disagreement) else None,
        diagnosis=diagnosis,
        tensors=dict(comparisons.nearest),
        precision=comparisons.precision,
        notes=tuple(comparisons.notes),
        departs=examination.departs,
        repeats=examination.repeats,
    )


def _diagnosis(examination: Examination, found: Disagreement) -> Diagnosis | None:
    diagnosis = diagnose_test(found)
    expectation, got, expected = found.expectation, found.got, found.expected
    if diagnosis or not isinstance(expectation, Expectation) or got is None or expected is None:
        return diagnosis
    tensor, step = found.divergence.tensor, found.divergence.step
    earlier = {n: a for n, a in examination.comparisons.first.items() if step > 0 or n != tensor}
    reference, case = examination.reference, examination.candidate.case
    return diagnose(Mismatch(reference, case, expectation, tensor, got, expected, earlier))
