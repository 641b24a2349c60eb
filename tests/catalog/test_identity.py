"""The identity of a cell's code changes with every file that it is made of, and with no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.identity import code_files, identities, identity
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


# -- what it is made of ----------------------------------------------------------------------------------

MADE_OF: dict[str, tuple[str, str]] = {
    "a helper": ("from ._mine import f", "_mine.py"),
    "a helper as a name of the package": ("from . import _mine", "_mine.py"),
    "one in a folder": ("from ._parts.inner import f", "_parts/inner.py"),
    "the package of that folder": ("from ._parts.inner import f", "_parts/__init__.py"),
    "one that a helper imports": ("from ._first import f", "_mine.py"),
    "one that is imported inside of a function": ("def f():\n    from . import _mine", "_mine.py"),
    "one that is named in a text": (
        "import importlib\n\n_mine = importlib.import_module('._mine', __package__)", "_mine.py",
    ),
    "one beside, for who puts its folder on the path": ("import sys\nimport _mine", "_mine.py"),
    "data": ("from pathlib import Path\n\nW = Path(__file__).parent / '_parts' / 'w.npy'", "_parts/w.npy"),
    "code that is run from its file": ("exec(open('_mine.py').read())", "_mine.py"),
}  # fmt: skip


@pytest.mark.parametrize("how", MADE_OF)
def test_what_an_implementation_imports_or_names_is_of_its_code(folder, how):
    line, file = MADE_OF[how]
    here = folder / "rigged"
    (here / "_parts").mkdir()
    for name in ("_mine.py", "_parts/__init__.py", "_parts/inner.py", "_parts/w.npy", "_unused.py"):
        (here / name).write_text("f = 1\n")
    (here / "_first.py").write_text("from ._mine import f\n")
    (here / "numpy_last.py").write_text(f"{LAST}\n{line}\n")
    before = of_each(folder)
    (here / "_unused.py").write_text("f = 2\n")
    assert of_each(folder) == before
    (here / file).write_text("f = 2\n")
    after = of_each(folder)
    assert {name for name in before if before[name] != after[name]} == {"rigged/numpy_last"}


def test_a_module_outside_of_what_is_installed_is_of_its_code(folder, tmp_path, monkeypatch):
    package = tmp_path / "elsewhere" / "my_layers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "dense.py").write_text("f = 1\n")
    monkeypatch.syspath_prepend(package.parent)
    (folder / "rigged" / "numpy_last.py").write_text(f"{LAST}\nfrom my_layers.dense import f\nimport click\n")
    names = [path.name for path in code_files(Catalog([folder]), "rigged", "numpy_last")]
    assert names == [
        "spec.py",
        "numpy_last.py",
        "numpy_good.py",
        "numpy_manual.py",
        "__init__.py",
        "dense.py",
    ]


def test_the_reference_is_of_the_code_of_all(folder):
    (folder / "rigged" / "numpy_other.py").write_text(GOOD.replace('"numpy_manual"', "None"))
    assert "numpy_manual.py" in [path.name for path in code_files(Catalog([folder]), "rigged", "numpy_other")]
