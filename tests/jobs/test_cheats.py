"""A run with every cheat: each is refused, for what it does; what is correct and looks like one is timed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from samestep.agreement.verdict import AGREE
from samestep.analysis.summary import CellSummary
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.records.plan import Profile
from samestep.workers.launcher import Launcher
from tests.made.cheats import BUSY, CORRECT, HOW, folder_of
from tests.made.instant import TASKS, measured, summaries

pytestmark = [pytest.mark.process, pytest.mark.slow]


def run_of(folder: Path, names: Sequence[str]) -> dict[str, CellSummary]:
    """What a run says of each, by name."""
    impls = folder_of(folder / "impls", names)
    launcher = Launcher(Catalog([impls]), [impls], patience=120)
    run = measured(folder / "results", launcher, Options(dtypes=("float32",)), Profile(1, 2))
    return {name.removeprefix("numpy_"): one for name, one in summaries(run).items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, CellSummary]:
    """What runs say of each; those that keep the machine busy have a run to themselves."""
    folder: Path = tmp_path_factory.mktemp("cheats")
    others = run_of(folder / "others", [name for name in (*HOW, *CORRECT) if name not in BUSY])
    return {**run_of(folder / "busy", BUSY), **others}


@pytest.mark.parametrize("name", HOW)
def test_a_cheat_is_refused_for_what_it_does(found, name):
    assert found[name].verdict in ("disagree", "invalid")
    assert any(words in found[name].reason for words in HOW[name].split("|"))
    assert not found[name].tasks


@pytest.mark.parametrize("name", ["manual", *CORRECT])
def test_correct_code_is_timed_whatever_it_keeps(found, name):
    assert (found[name].verdict, found[name].reason) == (AGREE, None)
    assert set(found[name].tasks) == set(TASKS)


def test_every_cheat_has_a_file():
    files = {path.stem for path in (Path(__file__).parents[1] / "made/cheats").glob("*.py")} - {"__init__"}
    assert files == {*HOW, *CORRECT}
