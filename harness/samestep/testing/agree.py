"""The fixture `agree`: `samestep.assert_agreement` in a test, with its result recorded and replayable."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
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
from samestep.models.result_text import headline
from samestep.printable import printable
from samestep.records.resume_command import quoted
from samestep.testing.bundle import SavedCall
from samestep.testing.marker import node_id_of
from samestep.testing.outcome import Outcome
from samestep.testing.own_frames import without_own_frames
from samestep.testing.run_options import RunOptions
from samestep.testing.same_models import changes_since, parameter_digests
from samestep.testing.saving import saved_call, write_bundle
from samestep.testing.surroundings import surroundings


@dataclass(repr=False)
class Agree:
    """Compares two models in a test: ``agree(candidate, reference, inputs, **options)``.

    The arguments are those of `samestep.compare`; what is not given comes from the marker `samestep`, then
    from the command line, then from ``[tool.samestep]``. Returns the result. Raises
    `samestep.AgreementError` where `samestep.assert_agreement` does, and warns (`samestep.NotExamined`) where
    nothing could be examined.
    """

    item: pytest.Item
    run: RunOptions
    marked: Mapping[str, object]
    cache: Path
    generators: Mapping[str, np.ndarray]
    saved: SavedCall | None = None
    calls: int = field(default=0, init=False)

    def __call__(self, candidate: object, reference: object, inputs: Inputs, **options: object) -> Result:
        __tracebackhide__ = True
        try:
            refuse_tolerances({name: value for name, value in options.items() if name not in KEYWORDS})
        except TypeError as error:
            raise without_own_frames(error)  # noqa: B904  # the same error
        try:
            line = _line_in(self.item.path, sys._getframe(1))
            result, outcome = self._compared((candidate, reference), inputs, options, line)
        except SamestepError as error:
            raise without_own_frames(error)  # noqa: B904  # the same error
        self.item.user_properties += outcome.properties()
        if not result.passed:
            raise _failure(result, outcome)
        if result.verdict == ABSTAINS:
            warnings.warn(NotExamined(str(result)), stacklevel=2)
        return result

    def check_replayed(self) -> None:
        """Raise `SamestepError` where the test did not make the comparison that it was to replay."""
        if self.saved is not None and self.calls <= self.saved.bundle.call:
            number = self.saved.bundle.call + 1
            raise SamestepError(f"the bundle is of comparison {number} of this test, which made {self.calls}")

    def __repr__(self) -> str:
        return f"<agree of {self.item.nodeid}>"

    def _compared(
        self,
        models: tuple[object, object],
        inputs: Inputs,
        options: Mapping[str, object],
        line: int,
    ) -> tuple[Result, Outcome]:
        number, self.calls = self.calls, self.calls + 1
        replayed = self.saved if self.saved is not None and self.saved.bundle.call == number else None
        chosen = self._chosen(options, replayed)
        if replayed is not None:
            inputs = replayed.named_inputs
        with surroundings(self.cache, self.run.threads):
            result = compare(*models, inputs, **chosen)  # type: ignore[arg-type]  # checked there
        notes = [] if replayed is None else list(_said_of_replay(replayed, models, result))
        outcome = self._outcome(number, result, line, notes)
        if replayed is not None and self.run.replay is not None:
            outcome = replace(outcome, bundle=self.run.shown(self.run.replay))
        elif self.run.save or not result.passed:
            saved = saved_call(node_id_of(self.item), number, result, models, inputs, chosen, self.generators)
            outcome = self._with_bundle(outcome, saved)
        return result, outcome

    def _chosen(self, options: Mapping[str, object], replayed: SavedCall | None) -> dict[str, object]:
        """The options in force: an argument over the marker, the command line and the project's settings."""
        project, marked = self.run.settings.chosen, self.marked
        if replayed is None:
            return {**project, **self.run.command_line, **marked, **options}
        asked = asdict(replayed.bundle.asked)
        given = {} if replayed.targets is None else {"targets": replayed.targets}
        return {**asked, **marked, **options, **given, "seed": asked["seed"]}

    def _outcome(self, number: int, result: Result, line: int, notes: Sequence[str]) -> Outcome:
        file, root = self.item.path, self.run.root
        return Outcome(
            node_id_of(self.item),
            number,
            file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file),
            line,
            result.verdict,
            result.passed,
            printable(headline(result)),
            _share(result),
            notes=tuple(notes),
            explained=result.explain() if self.run.explain else None,
        )

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


def _said_of_replay(replayed: SavedCall, models: tuple[object, object], result: Result) -> Iterator[str]:
    bundle = replayed.bundle
    yield f"replayed: was {bundle.verdict}, is {result.verdict}"
    yield from changes_since(bundle, parameter_digests(*models))


def _share(result: Result) -> float | None:
    if result.first is not None:
        return result.first.share
    return max((tensor.share for tensor in result.judged), default=None)
