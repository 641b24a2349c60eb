"""The identity of a cell's code changes with every file that it is made of, and with no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.identity import identities, identity
from samestep.catalog.selection import select
from samestep.errors import SamestepError
from tests.made.rungs import GOOD, root

LAST = GOOD.replace('"numpy_manual"', '"numpy_good"')


@pytest.fixture
def folder(tmp_path) -> Path:
    return root(tmp_path, {"numpy_good": GOOD, "numpy_last": LAST, "numpy_other": GOOD})


def of_each(folder: Path) -> dict[str, str]:
    catalog = Catalog([folder])
    return identities(catalog, select(catalog, ["rigged"], Options()))


@pytest.mark.parametrize(
    ("edited", "others"),
    [
        ("spec", {"numpy_manual", "numpy_good", "numpy_last", "numpy_other"}),
        ("numpy_manual", {"numpy_manual", "numpy_good", "numpy_last", "numpy_other"}),
        ("numpy_good", {"numpy_good", "numpy_last"}),
        ("numpy_last", {"numpy_last"}),
        ("numpy_other", {"numpy_other"}),
    ],
)
def test_code_that_is_edited_is_other_code_for_all_that_are_read_after_it(folder, edited, others):
    before = of_each(folder)
    file = folder / "rigged" / f"{edited}.py"
    file.write_text(file.read_text() + "\n")
    after = of_each(folder)
    assert {name for name in before if before[name] != after[name]} == {f"rigged/{name}" for name in others}


def test_a_loop_in_what_is_read_after_what_ends(folder):
    (folder / "rigged" / "numpy_good.py").write_text(LAST.replace('"numpy_good"', '"numpy_last"'))
    assert len(set(of_each(folder).values())) == 4


def test_an_implementation_that_is_gone_is_named(folder):
    with pytest.raises(SamestepError, match="rigged/numpy_gone is gone"):
        identity(Catalog([folder]), "rigged", "numpy_gone")
