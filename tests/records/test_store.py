"""What was recorded stays readable, whatever ended the run; what cannot be kept is an error of one line."""

from __future__ import annotations

import errno
import json
import math
import os
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samestep.agreement.verdict import Divergence, Verdict
from samestep.errors import SamestepError
from samestep.records import store
from samestep.records.schema import CellVerdict, Record, Sample, write
from samestep.records.store import Run, runs_of
from tests.made.records import about, key, plan_of

PLAN = plan_of(about())


@pytest.fixture
def run(tmp_path) -> Run:
    return Run.create(tmp_path, "machine", PLAN)


def record(number: int) -> Sample:
    return Sample(
        key("numpy_manual"), group=0, invocation=0, round=number, task="train", loops=1,
        seconds=0.1 + number, disturbed=False,
    )  # fmt: skip


def verdict(got: float | None = None) -> Record:
    divergence = Divergence(0, "train", "w1", (0, 1), got, 1.0, math.inf, 0.5, "elements")
    return CellVerdict(key("numpy_manual"), Verdict("disagree", "off", divergence))


def tear(run: Run, at: int = -3) -> None:
    """Cut the file where a kill or a full disk could have cut it."""
    run.samples.write_bytes(run.samples.read_bytes()[:at])


def kept(run: Run) -> list[int]:
    return [one.round for one in run.records()]


def test_what_is_appended_is_read_again_in_order(run):
    run.append([record(0), verdict(2.0)])
    run.append([record(1)])
    again = Run.open(run.folder)
    assert list(again.records()) == [record(0), verdict(2.0), record(1)]
    assert again.plan == replace(PLAN, run=run.folder.name)
    document = again.document()
    assert (document["schema"], document["run"]) == (store.SCHEMA, run.folder.name)
    assert [json.loads(line) for line in again.lines()] == [
        write(one, run.folder.name) for one in again.records()
    ]


def test_a_new_run_has_no_records_and_is_not_torn(run):
    assert list(run.records()) == []
    assert not run.torn
    assert run.folder.parent.name == "machine"
    assert sorted(path.name for path in run.folder.iterdir()) == ["run.json", "samples.jsonl"]


def test_numbers_that_json_does_not_have_are_texts(run):
    run.append([verdict(math.nan)])
    (line,) = run.samples.read_text().splitlines()
    json.loads(line, parse_constant=pytest.fail)  # which would meet a bare NaN or Infinity
    (found,) = run.records()
    assert math.isnan(found.verdict.first_divergence.got)
    assert found.verdict.first_divergence.error == math.inf


def test_records_that_are_not_synced_are_flushed_all_the_same(run, monkeypatch):
    monkeypatch.setattr(store.os, "fsync", lambda _: pytest.fail("synced"))
    run.append([record(0)], sync=False)
    assert kept(run) == [0]
    monkeypatch.undo()
    synced = []
    monkeypatch.setattr(store.os, "fsync", synced.append)
    run.sync()
    assert len(synced) == 1
    assert kept(run) == [0]


def test_every_record_is_on_the_disk_when_append_returns(run, monkeypatch):
    synced = []

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        assert len(run.samples.read_text().splitlines()) == len(synced)  # flushed before

    monkeypatch.setattr(store.os, "fsync", fsync)
    run.append([record(0)])
    run.append([record(1)])
    assert synced == [run.samples.resolve()] * 2


def test_a_torn_last_line_is_noticed_left_out_and_cut_off(run):
    run.append([record(0), record(1), record(2)])
    tear(run)
    assert run.torn
    assert kept(run) == [0, 1]
    run.mend()
    assert not run.torn
    run.append([record(9)])
    assert kept(run) == [0, 1, 9]


@pytest.mark.parametrize("seed", range(8))
def test_wherever_it_is_cut_the_whole_lines_before_are_there(run, seed):
    run.append([record(number) for number in range(20)])
    whole = run.samples.read_bytes()
    at = random.Random(seed).randrange(len(whole))
    run.samples.write_bytes(whole[:at])
    before = whole[:at].count(b"\n")
    assert kept(run) == list(range(before))
    run.mend()
    run.append([record(99)])
    assert kept(run) == [*range(before), 99]


@pytest.mark.parametrize(
    "damage",
    [
        '{"schema": 1, "kind',
        "",
        "3",
        '"text"',
        '{"kind": "sample"}',
        '{"schema": 1, "kind": "sample"}',
        '{"schema": 1, "kind": "nonsense"}',
        '{"schema": 1}',
        "[" * 100_000,
    ],
)
def test_a_damaged_line_in_the_middle_is_named_by_its_number(run, damage):
    run.append([record(0), record(1), record(2)])
    lines = run.samples.read_text().splitlines()
    lines[1] = damage
    run.samples.write_text("\n".join(lines) + "\n")
    with pytest.raises(SamestepError, match=r"samples\.jsonl:2 (is damaged|has another schema)"):
        list(run.records())


def test_a_record_of_a_foreign_schema_is_refused(run):
    run.append([record(0)])
    with run.samples.open("a") as file:
        file.write('{"schema": 99, "kind": "sample"}\n')
    with pytest.raises(SamestepError, match=r"samples\.jsonl:2 has another schema than 1"):
        list(run.records())


@pytest.mark.parametrize("text", ['{"schema": 99}', "{", "[]", "", "[" * 100_000])
def test_a_run_json_of_a_foreign_schema_or_none_is_refused(run, text):
    (run.folder / "run.json").write_text(text)
    with pytest.raises(SamestepError, match=r"run\.json (has another schema|cannot be read|is damaged)"):
        _ = run.plan


@pytest.mark.parametrize(
    ("field", "value"), [("machine", 3), ("cells", []), ("tasks", {}), ("profile", {"rounds": 1})]
)
def test_a_run_json_that_is_not_a_plan_names_what_is_wrong(run, field, value):
    document = {**run.document(), field: value}
    (run.folder / "run.json").write_text(json.dumps(document))
    with pytest.raises(SamestepError, match=rf"run\.json is damaged: '{field}' is not what a run has there"):
        _ = run.plan


def test_runs_that_start_in_the_same_second_do_not_meet(tmp_path, monkeypatch):
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)

    monkeypatch.setattr(store, "datetime", Stopped)
    runs = [Run.create(tmp_path, "machine", PLAN) for _ in range(3)]
    names = ["2024-05-06T07-08-09", "2024-05-06T07-08-09-2", "2024-05-06T07-08-09-3"]
    assert [run.folder.name for run in runs] == names
    for number, run in enumerate(runs):
        run.append([record(number)])
    assert [kept(run) for run in runs] == [[0], [1], [2]]
    assert runs_of(tmp_path)[0].folder == runs[-1].folder


def test_the_latest_run_is_found_on_any_machine(tmp_path):
    for machine, name in (("b", "2024-01-01T00-00-00"), ("a", "2025-01-01T00-00-00")):
        folder = tmp_path / machine / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
    (tmp_path / "c" / "2026-01-01T00-00-00").mkdir(parents=True)  # killed before it was a run
    assert runs_of(tmp_path)[0].folder == tmp_path / "a" / "2025-01-01T00-00-00"


def test_no_run_is_one_line_that_says_what_to_do(tmp_path):
    with pytest.raises(SamestepError, match=r"no run under .*: `samestep run` makes one"):
        runs_of(tmp_path)
    with pytest.raises(SamestepError, match=r"is not a run: it has no run\.json$"):
        Run.open(tmp_path)


def test_of_a_folder_that_holds_runs_the_latest_is_named(tmp_path):
    runs = [tmp_path / "machine" / name for name in ("2024-01-01T00-00-00", "2025-01-01T00-00-00")]
    for folder in runs:
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "machine"):
        with pytest.raises(SamestepError, match=rf"; the latest run in it is {runs[-1]}$"):
            Run.open(folder)


def test_a_full_disk_is_one_line_and_keeps_what_was_there(run, monkeypatch):
    run.append([record(0)])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(SamestepError, match=r"samples\.jsonl cannot be written: No space left on device"):
        run.append([record(1)])
    monkeypatch.undo()
    assert kept(run)[0] == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_takes_no_byte_is_one_line(run):
    run.samples.unlink()
    run.samples.symlink_to("/dev/full")
    with pytest.raises(SamestepError, match="No space left on device"):
        run.append([record(0)])


def test_a_disk_that_fills_up_in_the_middle_of_run_json_leaves_no_half_of_it(tmp_path, monkeypatch):
    write_text = Path.write_text

    def half(path: Path, text: str, **options: str) -> None:
        write_text(path, text[: len(text) // 2], **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(SamestepError, match=r"run\.json cannot be written: No space left on device"):
        Run.create(tmp_path, "machine", PLAN)
    assert list(tmp_path.rglob("run.json")) == []


def test_a_read_only_folder_is_one_line(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SamestepError, match="cannot be made: Read-only file system"):
        Run.create(tmp_path, "machine", PLAN)


def test_a_file_where_the_folder_should_be_is_one_line(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(SamestepError, match="cannot be made: Not a directory"):
        Run.create(tmp_path / "results", "machine", PLAN)


def test_a_run_that_is_going_on_is_gone_on_with_by_nobody_else(run):
    run.hold()
    second = Run.open(run.folder)
    with pytest.raises(SamestepError, match="is still being measured: wait until it has ended"):
        second.hold()
    run.held.close()  # as the end of the process does
    second.hold()
