"""`samestep ab`: two revisions of a small repository, timed by workers that answer at once."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from samestep.analysis import statistics
from samestep.catalog.cell import Cell
from samestep.commands.main import main
from samestep.errors import SamestepError
from samestep.jobs.exported import Repository
from samestep.jobs.resume import prepare_to_resume
from samestep.jobs.starting import with_equal_loops
from samestep.records.schema import Sample
from samestep.records.validated import ValidatedRun
from samestep.workers.launcher import Launcher
from tests.made.instant import Instant, answering
from tests.made.rungs import GOOD, root

NAMES = ("numpy_a", "numpy_b", "numpy_manual")
TASKS = ("loss_and_grads", "train_step", "train")
#: How many times as long a worker takes by a word in its file.
SLOWER = 2.0


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{one}_{what}": "a@b" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command, variables = ["git", "-C", str(folder), *words], {**os.environ, **who}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=variables).stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """Revisions ``old``, ``new`` (numpy_b is slower, and numpy_c is there) and ``same`` (a comment more)."""
    folder = tmp_path / "project"
    folder.mkdir()
    root(folder / "impls", {"numpy_a": GOOD, "numpy_b": GOOD})
    git(folder, "init", "-q", "-b", "trunk")
    rigged = folder / "impls" / "rigged"
    for tag, edited in (("old", {}), ("same", {"numpy_a": "# the same"}), ("new", {"numpy_b": "# slow"})):
        for name, line in edited.items():
            (rigged / f"{name}.py").write_text(f"{(rigged / f'{name}.py').read_text()}\n{line}\n")
        if tag == "new":
            (rigged / "numpy_c.py").write_text((rigged / "numpy_a.py").read_text())
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", tag)
        git(folder, "tag", tag)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def timed(instant, monkeypatch) -> list[Instant]:
    """Workers that are slower where their file says so, all of them more or less so in each turn."""
    slow: set[int] = set()

    def start(launcher: Launcher, cell: Cell, place: list[int]) -> Instant:
        instant.append(Instant(cell))
        rung = launcher.catalog.implementation(cell.workload, cell.implementation)
        if "# slow" in rung.path.read_text(encoding="utf-8"):
            slow.add(id(instant[-1]))
        return instant[-1]

    def seconds(worker: Instant, _: object) -> dict[str, float]:
        return {"seconds": 1.0 * (SLOWER if id(worker) in slow else 1.0)}

    monkeypatch.setattr(Launcher, "start", start)
    answering(monkeypatch, "sample", seconds)
    monkeypatch.setattr(statistics, "DRAWS", 20)
    return instant


def samestep(*words: str) -> Result:
    done = CliRunner().invoke(main, [*words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def ab(before: str, after: str, *more: str) -> Result:
    asked = ("rigged", "--impls", "impls", "--threads", "1", "--invocations", "2", "--out", "results")
    return samestep("ab", before, after, *asked, *more)


def halves() -> list[ValidatedRun]:
    return [ValidatedRun(folder) for folder in sorted(Path("results").glob("*/*"))]


def test_what_one_revision_slows_is_found_and_nothing_else(repository, timed):
    done = ab("old", "new", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["worse"]) == (1, True)
    assert {(one["implementation"], one["task"]) for one in found["cells"] if one["word"] == "slower"} == {
        ("numpy_b", task) for task in TASKS
    }
    assert {one["ratio"] for one in found["cells"] if one["word"] == "slower"} == {SLOWER}
    assert {one["word"] for one in found["cells"] if one["implementation"] != "numpy_b"} == {"tie"}
    assert {one["compared"] for one in found["cells"]} == {"in the same rounds"}
    assert [key.split("/")[1] for key in found["only_after"]] == ["numpy_c"]
    assert {one["revision_after"] for one in found["cells"]} == {git(repository, "rev-parse", "new")}


def test_equal_code_is_not_called_changed_and_takes_turns_in_the_same_rounds(repository, timed):
    done = ab("old", "same", "--format", "markdown")
    assert done.exit_code == 0
    assert done.stdout.startswith("### samestep: 9 the same within 2 %\n")
    assert "\nEdited, or what it is made of: rigged/numpy_a.\n" in done.stdout

    moments = []
    for half in halves():
        mine: dict[str, set[object]] = defaultdict(set)
        for record in half.records():
            if isinstance(record, Sample):
                mine[record.cell].add((record.moment, record.task))
        moments.append(mine)
    before, after = moments
    assert {key.removesuffix("/again") for key in before} == after.keys()
    for key, own in before.items():
        assert own == after[key.removesuffix("/again")]
    assert len(before) == 2 * len(NAMES)
    assert len(timed) == 2 * 3 * len(NAMES)


def test_the_two_runs_are_compared_again_from_their_records_and_not_resumed(repository, timed):
    first = ab("old", "new", "--format", "csv")
    before, after = (str(half.folder) for half in halves())
    again = samestep("compare", before, after, "--format", "csv")
    assert (first.exit_code, again.stdout, again.exit_code) == (1, first.stdout, 1)
    back = json.loads(samestep("compare", after, before, "--json").stdout)
    assert {one["ratio"] for one in back["cells"] if one["word"] == "faster"} == {1 / SLOWER}
    with pytest.raises(SamestepError, match=r"is of old \(.*\), one of two revisions"):
        prepare_to_resume(halves()[0], (), {})
    text = samestep("compare", before, after, "--format", "markdown").stdout
    assert "/tmp" not in text  # as it names no folder of this machine
    assert (
        "| rigged:small/numpy_b | train, a step | 250 ms | 500 ms | 2.000 (2.000-2.000) | slower | edited |"
        in text
    )


# -- the files of a revision -----------------------------------------------------------------------------


def test_a_revision_is_exported_and_the_working_tree_stays(repository, tmp_path):
    (repository / "impls" / "rigged" / "numpy_a.py").write_text("not Python at all (")
    status = git(repository, "status", "--porcelain")
    mine = Repository.around(repository / "impls")
    mine.export(mine.commit("old"), tmp_path / "out")
    assert GOOD.strip()[:20] in (tmp_path / "out" / "impls" / "rigged" / "numpy_a.py").read_text()
    assert not (tmp_path / "out" / "impls" / "rigged" / "numpy_c.py").exists()
    assert git(repository, "status", "--porcelain") == status
    assert mine.roots([Path("impls")]) == [Path("impls")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ab", "nowhere", "new", "rigged", "--impls", "impls"), "nowhere is no revision here"),
        (("ab", "--all", "new"), "No such option"),
        (("ab", "old", "new"), "changes what is measured: name a folder of workloads in it with --impls"),
        (("ab", "old", "new", "nothing", "--impls", "impls"), "nothing"),
    ],
)
def test_what_cannot_be_compared_is_one_line(repository, words, says):
    done = samestep(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


def test_outside_of_a_repository_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert "ab compares revisions of a git repository" in samestep("ab", "old", "new").stderr


# -- samples of as many calls ----------------------------------------------------------------------------


def test_releases_of_one_implementation_take_samples_of_as_many_calls():
    one = Cell("w", "c", "numpy_a", "numpy", "float32", "cpu", "float32", 1, release="before")
    other = Cell("w", "c", "numpy_a", "numpy", "float32", "cpu", "float32", 1, release="after")
    alone = Cell("w", "c", "numpy_b", "numpy", "float32", "cpu", "float32", 1)
    loops = {one: {"train": 1, "step": 7}, other: {"train": 90}, alone: {"train": 4}}
    assert with_equal_loops(loops) == {
        one: {"train": 90, "step": 7}, other: {"train": 90}, alone: {"train": 4},
    }  # fmt: skip
