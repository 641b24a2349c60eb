"""What a file says of itself: read once, and again when it has changed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from samestep.catalog import source_facts
from samestep.errors import SamestepError

TEXT = """
import math
from torch.nn import functional as F

READ_AFTER = "numpy_manual"
REQUIRES = ("keras", "sklearn")
STEPS = 3 * 4


def train(state):
    import jax

    return state


class Net:
    pass
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "impls").mkdir()
    (tmp_path / "impls" / "torch_mine.py").write_text(TEXT)
    return tmp_path / "impls"


@pytest.fixture
def parsed(monkeypatch):
    """The files that were parsed, in their order."""
    names, parse = [], ast.parse

    def noted(text, filename):
        names.append(Path(filename).name)
        return parse(text, filename=filename)

    monkeypatch.setattr(source_facts.ast, "parse", noted)
    return names


def asked(folder):
    return source_facts.outlines(folder, sorted(folder.glob("*.py")))


def test_the_outline_of_a_file(folder):
    found = source_facts.outline(folder / "torch_mine.py")
    assert found.bound == ("F", "READ_AFTER", "REQUIRES", "STEPS", "train", "Net")
    assert found.constants == {"READ_AFTER": "numpy_manual", "REQUIRES": ["keras", "sklearn"]}
    assert set(found.imported) == {"math", "torch", "jax"}


def test_what_was_read_once_is_remembered(folder, parsed):
    first = asked(folder)
    assert asked(folder) == first
    assert parsed == ["torch_mine.py"]


def test_a_file_that_changed_is_read_again_and_only_that(folder, parsed):
    (folder / "jax_mine.py").write_text("def train(): pass\n")
    asked(folder)
    (folder / "jax_mine.py").write_text("def other(): pass\n")
    assert asked(folder)[folder / "jax_mine.py"].bound == ("other",)
    assert parsed == ["jax_mine.py", "torch_mine.py", "jax_mine.py"]


def test_a_file_that_is_gone_is_forgotten(folder):
    (folder / "jax_mine.py").write_text("def train(): pass\n")
    asked(folder)
    (folder / "jax_mine.py").unlink()
    assert list(asked(folder)) == [folder / "torch_mine.py"]
    (memory,) = (folder.parent / "cache" / "outlines").iterdir()
    assert "jax_mine" not in memory.read_text()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"form": 0, "files": {"x": 1}}', '{"form": 1, "files": {"x": [[1], {}]}}',
     '{"form": 1, "files": 3}', '{"form": 1, "files": {"x": [[1, 2], 7]}}'],
)  # fmt: skip
def test_what_is_remembered_wrongly_is_not_believed(folder, text):
    first = asked(folder)
    (memory,) = (folder.parent / "cache" / "outlines").iterdir()
    memory.write_text(text)
    assert asked(folder) == first
    assert memory.read_text() != text


def test_nothing_can_be_remembered_and_all_is_read(folder, monkeypatch, parsed):
    (folder.parent / "file").write_text("")
    monkeypatch.setenv("SAMESTEP_CACHE", str(folder.parent / "file"))
    assert asked(folder) == asked(folder)
    assert parsed == 2 * ["torch_mine.py"]


def test_what_is_no_python_is_named_each_time(folder):
    (folder / "jax_mine.py").write_text("def train(:\n")
    for _ in range(2):
        with pytest.raises(SamestepError, match=r"jax_mine\.py is no Python"):
            asked(folder)
