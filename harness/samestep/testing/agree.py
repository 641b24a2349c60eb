"""The fixture `agree`: `samestep.assert_agreement` in a test, with its result recorded and replayable."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from samestep.agreement.verdict import ABSTAINS
from samestep.errors import SamestepError
from samestep.models.asked import Inputs
from samestep.models.calls import compare
from samestep.models.options import KEYWORDS, refuse_tolerances
from samestep.models.result import AgreementError, NotExamined, Result
from samestep.printable import printable
from samestep.records.resume_command import quoted
from samestep.testing.bundle import SavedCall
from samestep.testing.deferred import Deferred, built
from samestep.testing.found import Place, outcome_of, recorded_outcome
from samestep.testing.marker import node_id_of
from samestep.testing.other_interpreter import judge_in
from samestep.testing.outcome import Outcome
from samestep.testing.own_frames import without_own_frames
from samestep.testing.recorded_calls import judge_by_record, record_path, record_reference
from samestep.testing.run_options import RunOptions
from samestep.testing.same_models import changes_since, parameter_digests
from samestep.testing.saving import saved_call, write_bundle
from samestep.testing.settings import Chosen
from samestep.testing.surroundings import surroundings

#: The candidate and the reference.
Models = tuple[object, object]


@dataclass(repr=False)
class Agree:
    """Compares two models in a test: ``agree(candidate, reference, inputs, **options)``.

    The arguments are those of `samestep.compare`; what is not given comes from the marker `samestep`, then
    from the command line, then from ``[tool.samestep]``. Returns the result; None where the reference is only
    recorded. Raises `samestep.AgreementError` where `samestep.assert_agreement` does, and warns
    (`samestep.NotExamined`) where nothing could be examined.

    ``saved`` is the comparison that is replayed, ``judged_by`` the folder of the records that stand for
    references, ``recorded_in`` the one that they are recorded in, ``python`` the interpreter that then judges
    candidates by them.
    """

    item: pytest.Item
    run: RunOptions
    marked: Chosen
    cache: Path
    generators: Mapping[str, np.ndarray]
    saved: SavedCall | None = None
    judged_by: Path | None = None
    recorded_in: Path | None = None
    python: str | None = None
    calls: int = field(default=0, init=False)

    def __call__(
        self, candidate: object, reference: object, inputs: Inputs, **options: object
    ) -> Result | None:
        __tracebackhide__ = True
        try:
            refuse_tolerances({name: value for name, value in options.items() if name not in KEYWORDS})
        except TypeError as error:
            raise without_own_frames(error)  # noqa: B904  # the same error
        models = (
            None if self.recorded_in else built(candidate),
            None if self.judged_by else built(reference),
        )
        line = _line_in(self.item.path, sys._getframe(1))
        number, self.calls = self.calls, self.calls + 1
        try:
            with surroundings(self.cache, self.run.threads):
                result, outcome = self._found(number, models, inputs, options)
        except SamestepError as error:
            raise without_own_frames(error)  # noqa: B904  # the same error
        if self.python is None:  # else its outcome comes from there
            self.item.user_properties += replace(outcome, line=line).properties()
        if result is not None and not result.passed:
            raise _failure(result, outcome)
        if result is not None and result.verdict == ABSTAINS:
            warnings.warn(NotExamined(str(result)), stacklevel=2)
        return result

    @staticmethod
    def deferred(build: Callable[[], object]) -> Deferred:
        """Return a model that ``build()`` makes where it is needed.

        Recording needs the reference alone, and judging by a record the candidate alone.
        """
        return Deferred(build)

    def judge_elsewhere(self) -> None:
        """After the test: judge its candidates in the other interpreter, if there is one.

        Raises `SamestepError` where it cannot run the test, and fails the test where they do not agree.
        """
        if self.python is None or self.recorded_in is None:
            return
        if not self.calls:
            raise SamestepError(f"the test compares nothing that {self.python} could judge")
        outcomes = judge_in(self.python, node_id_of(self.item), self.run, self.recorded_in)
        for outcome in outcomes:
            told = replace(outcome, notes=(*outcome.notes, f"the candidate ran in {self.python}"))
            self.item.user_properties += told.properties()
            if outcome.verdict == ABSTAINS and outcome.passed:
                warnings.warn(NotExamined(outcome.summary), stacklevel=2)
        wrong = [outcome.summary for outcome in outcomes if not outcome.passed]
        if wrong:
            pytest.fail("\n".join([*wrong, f"  the candidate ran in {self.python}"]), pytrace=False)

    def check_replayed(self) -> None:
        """Raise `SamestepError` where the test did not make the comparison that it was to replay."""
        if self.saved is not None and self.calls <= self.saved.bundle.call:
            number = self.saved.bundle.call + 1
            raise SamestepError(f"the bundle is of comparison {number} of this test, which made {self.calls}")

    def __repr__(self) -> str:
        return f"<agree of {self.item.nodeid}>"

    def _found(
        self, number: int, models: Models, inputs: Inputs, options: Mapping[str, object]
    ) -> tuple[Result | None, Outcome]:
        """Compare, replay, record or judge by a record, whichever this run is for."""
        if self.saved is not None and self.saved.bundle.call == number:
            return self._replayed(self.saved, models, options)
        chosen = {**self.run.comparing, **self.marked, **options}
        path = record_path(self.judged_by or self.recorded_in or Path(), node_id_of(self.item), number)
        if self.recorded_in:
            record_reference(path, models[1], inputs, chosen)
            return None, recorded_outcome(self._place(number), self.run.shown(path))
        if self.judged_by:
            result = judge_by_record(path, models[0], chosen)
            return result, outcome_of(self._place(number), result, self.run.explain)
        result = compare(*models, inputs, **chosen)  # type: ignore[arg-type]  # checked there
        outcome = outcome_of(self._place(number), result, self.run.explain)
        if self.run.save or not result.passed:
            saved = saved_call(node_id_of(self.item), number, result, models, inputs, chosen, self.generators)
            outcome = self._with_bundle(outcome, saved)
        return result, outcome

    def _replayed(
        self, saved: SavedCall, models: Models, options: Mapping[str, object]
    ) -> tuple[Result, Outcome]:
        """The comparison of a bundle: its numbers, and its options where the test says nothing else."""
        asked = asdict(saved.bundle.asked)
        given = {} if saved.targets is None else {"targets": saved.targets}
        chosen = {**asked, **self.marked, **options, **given, "seed": asked["seed"]}
        result = compare(*models, saved.named_inputs, **chosen)
        outcome = outcome_of(self._place(saved.bundle.call), result, self.run.explain)
        notes = (
            f"replayed: was {saved.bundle.verdict}, is {result.verdict}",
            *changes_since(saved.bundle, parameter_digests(*models)),
        )
        path = None if self.run.replay is None else self.run.shown(self.run.replay)
        return result, replace(outcome, notes=notes, bundle=path)

    def _place(self, number: int) -> Place:
        file, root = self.item.path, self.run.root
        shown = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
        return Place(node_id_of(self.item), number, shown)

    def _with_bundle(self, outcome: Outcome, saved: SavedCall) -> Outcome:
        try:
            path = self.run.shown(write_bundle(saved, self.run.folder))
        except (SamestepError, OSError) as error:  # the verdict is what the test is for
            return replace(outcome, notes=(*outcome.notes, f"no bundle was written: {printable(str(error))}"))
        return replace(outcome, bundle=path)


def _line_in(file: Path, caller: FrameType) -> int:
    """The line of a test's file that a call comes from, also through functions of other files; 0 if none."""
    frame: FrameType | None = caller
    while frame is not None and frame.f_code.co_filename != str(file):
        frame = frame.f_back
    return 0 if frame is None else frame.f_lineno


def _failure(result: Result, outcome: Outcome) -> AgreementError:
    error = AgreementError(result)
    for note in outcome.notes:
        error.add_note(f"  {note}")
    if outcome.bundle is not None:
        error.add_note(f"  again: samestep replay {quoted(outcome.bundle)}")
    return error
