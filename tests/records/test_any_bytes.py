"""Whatever bytes a run consists of, they are read, left out or refused in a line; none is read twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samestep.analysis.summary import summarize
from samestep.codec import Malformed, decode
from samestep.errors import SamestepError
from samestep.jobs.state import RunState
from samestep.records.plan import Plan
from samestep.records.schema import KINDS, Sample
from samestep.records.store import Run
from samestep.records.validated import ValidatedRun, read
from tests.made.records import about, records, saved
from tests.made.strategies import damaged, json_values

NAMES = ("numpy_manual", "torch_manual")
quick = settings(max_examples=40)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run on disk, which each example writes anew."""
    kept = records(invocations=1, names=NAMES)[:12]
    return saved(tmp_path_factory.mktemp("any") / "run", about(NAMES), kept)


@pytest.fixture(scope="module")
def whole(run: Run) -> tuple[bytes, bytes]:
    """What its two files hold."""
    return (run.folder / "run.json").read_bytes(), run.samples.read_bytes()


def read_or_refused(folder: Path) -> ValidatedRun | None:
    """Return the run as reports read it, each sample once; None where it is refused in one line."""
    try:
        (found,), _ = read([folder])
    except SamestepError:
        return None
    samples = [one for one in found.records() if isinstance(one, Sample) and not one.repeated]
    assert len(samples) == len({(one.moment, one.cell, one.task) for one in samples})
    assert len(list(found.records())) <= len(list(found.lines()))
    assert summarize(found.plan, found.records())
    RunState.of(found.plan, found.records())
    return found


@given(st.data())
@quick
def test_a_damaged_plan_is_read_or_refused(run, whole, data):
    (run.folder / "run.json").write_bytes(data.draw(damaged(whole[0])))
    run.samples.write_bytes(whole[1])
    read_or_refused(run.folder)


@given(st.data())
@quick
def test_damaged_records_are_read_or_left_out(run, whole, data):
    (run.folder / "run.json").write_bytes(whole[0])
    run.samples.write_bytes(data.draw(damaged(whole[1])))
    assert read_or_refused(run.folder) is not None


@given(st.data())
@quick
def test_what_is_mended_keeps_its_whole_lines(run, whole, data):
    content = data.draw(damaged(whole[1]))
    run.samples.write_bytes(content)
    lines, torn = list(run.lines()), run.torn
    run.mend()
    assert torn == (not content.endswith(b"\n") and bool(content))
    assert (list(run.lines()), run.torn) == (lines, False)


@pytest.mark.parametrize("kind", [*KINDS.values(), Plan], ids=lambda kind: kind.__name__)
@given(st.data())
@settings(max_examples=15)
def test_any_document_is_a_record_or_malformed(kind, data):
    names = sorted({one for record in records(invocations=1) for one in record} | set(about()))
    document = data.draw(st.dictionaries(st.sampled_from(names), json_values, max_size=12) | json_values)
    try:
        found = decode(kind, json.loads(json.dumps(document)))
    except Malformed as wrong:
        assert "\n" not in str(wrong)  # noqa: PT017
        return
    assert isinstance(found, kind)
