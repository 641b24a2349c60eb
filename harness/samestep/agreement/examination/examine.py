"""From an examination to a verdict: a proof is final, a suspicion is looked at again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from samestep.agreement.diagnosis.diagnose import by_test, diagnose
from samestep.agreement.diagnosis.guesses import Scene
from samestep.agreement.distance import keep
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.perturbed import varied
from samestep.agreement.examination.stages import LENGTHS, Examination
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.verdict import (
    AGREE,
    DISAGREE,
    INVALID,
    SUSPECT,
    Diagnosis,
    Disagreement,
    Invalid,
    Suspicion,
    Verdict,
)

#: Variants that a suspicion is looked at again on; the first one serves S8.
LOOKS = (2, 3)


def examine(candidate: Candidate, expectations: Expectations, path: Path | None = None) -> Verdict:
    """Take the candidate through all stages; exceptions of its own code come through.

    What it gave at its first step is kept in ``path``, for `samestep.agreement.distance`.
    """
    examination = Examination(candidate, expectations)
    verdict = _examined(examination, examination.run)
    if path is not None:
        keep(path, examination.first, examination.sigmas)
    return verdict


def confirm(candidate: Candidate, expectations: Expectations) -> Verdict:
    """Forced steps once more, of a candidate that agreed and has been at work since: of the second one it has
    not met the state before."""
    examination = Examination(candidate, expectations)
    return _examined(examination, lambda: examination.steps(forced=2, lengths=LENGTHS[-1:]))


def _examined(examination: Examination, stages: Callable[[], None]) -> Verdict:
    try:
        stages()
    except Suspicion as found:
        return _again(examination, found)
    except Disagreement as found:
        return _verdict(examination, DISAGREE, found)
    except Invalid as broken:
        return _verdict(examination, INVALID, broken)
    return _verdict(examination, AGREE)


def _again(examination: Examination, first: Suspicion) -> Verdict:
    """A suspicion stays or goes: on other inputs a mistake is there too, an accident of rounding is not."""
    stays = 0
    for number in LOOKS:
        variant = varied(examination.candidate, number)
        try:
            Examination(variant, examination.expectations.moved(f"variant {number}", variant.point)).stages()
        except (Disagreement, Invalid):
            stays += 1
    if not stays:
        examination.notes.append(f"looked at again on other inputs, and gone: {first}")
        return _verdict(examination, AGREE)
    return _verdict(examination, DISAGREE if stays == len(LOOKS) else SUSPECT, first)


def _verdict(examination: Examination, verdict: str, found: Disagreement | Invalid | None = None) -> Verdict:
    diagnosis = _diagnosis(examination, found) if isinstance(found, Disagreement) else None
    return Verdict(
        verdict=verdict,
        reason=f"{found}; {diagnosis}" if diagnosis else str(found) if found else None,
        first_divergence=found.divergence if isinstance(found, Disagreement) else None,
        diagnosis=diagnosis,
        tensors=dict(examination.nearest),
        precision=examination.precision,
        notes=tuple(examination.notes),
        departs=examination.departs,
        repeats=examination.repeats,
    )


def _diagnosis(examination: Examination, found: Disagreement) -> Diagnosis | None:
    told = by_test(found)
    if told or found.expectation is None or found.got is None or found.expected is None:
        return told
    tensor, step = found.divergence.tensor, found.divergence.step
    earlier = {n: a for n, a in examination.first.items() if step > 0 or n != tensor}
    return diagnose(
        Scene(
            examination.reference, examination.candidate.case, found.expectation, tensor, found.got,
            found.expected, earlier,
        )
    )  # fmt: skip
