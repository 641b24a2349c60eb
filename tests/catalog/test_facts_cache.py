"""The facts of files are kept until the files change, and never believed where they are damaged."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from samestep.catalog import facts_cache
from samestep.catalog.facts_cache import cached_facts
from samestep.catalog.source_facts import SourceFacts, source_facts
from samestep.errors import SamestepError


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "impls").mkdir()
    (tmp_path / "impls" / "torch_mine.py").write_text('READ_AFTER = "numpy_manual"\nREQUIRES = ("a", "b")\n')
    return tmp_path / "impls"


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The files that were read, in their order."""
    names: list[str] = []

    def noted(path: Path) -> SourceFacts:
        names.append(path.name)
        return source_facts(path)

    monkeypatch.setattr(facts_cache, "source_facts", noted)
    return names


def facts_of(folder: Path) -> dict[Path, SourceFacts]:
    return cached_facts(folder, sorted(folder.glob("*.py")))


def kept_in(folder: Path) -> Path:
    """The one file of the cache."""
    (file,) = (folder.parent / "cache" / "source facts").iterdir()
    return file


def test_what_was_read_once_is_kept(folder, read):
    first = facts_of(folder)
    assert facts_of(folder) == first
    assert read == ["torch_mine.py"]


def test_a_file_that_changed_is_read_again_and_only_that(folder, read):
    (folder / "jax_mine.py").write_text("def train(): pass\n")
    facts_of(folder)
    (folder / "jax_mine.py").write_text("def other(): pass\n")
    assert facts_of(folder)[folder / "jax_mine.py"].bound == ("other",)
    assert read == ["jax_mine.py", "torch_mine.py", "jax_mine.py"]


def test_a_file_whose_time_was_set_back_is_read_again(folder, read):
    file = folder / "torch_mine.py"
    before = file.stat()
    facts_of(folder)
    file.write_text(file.read_text().replace("numpy_manual", "numpy_others"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert facts_of(folder)[file].text("READ_AFTER") == "numpy_others"


def test_a_file_that_is_gone_is_forgotten(folder):
    (folder / "jax_mine.py").write_text("def train(): pass\n")
    facts_of(folder)
    (folder / "jax_mine.py").unlink()
    assert list(facts_of(folder)) == [folder / "torch_mine.py"]
    assert "jax_mine" not in kept_in(folder).read_text()


FORM = facts_cache.FORM
KEPT = {"changed": 1, "size": 2, "facts": {"bound": [], "constants": {}, "imported": []}}


def sealed(file: Path, text: str) -> str:
    """The text with the checksum that it would have been written with."""
    checksum = hashlib.sha256(f"{file.name}\n{text}".encode()).hexdigest()
    return f"{checksum}\n{text}"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", "[" * 100_000, '{"form": 1, "files": {}}',
     *(json.dumps({"form": FORM, "files": files}) for files in (
         3, {"x": [[1], {}]}, {"x": {**KEPT, "facts": 7}}, {"x": {**KEPT, "changed": "1"}},
         {"x": {**KEPT, "facts": {**KEPT["facts"], "bound": "ab"}}},
     ))],
)  # fmt: skip
def test_what_is_kept_wrongly_is_not_believed(folder, text):
    first = facts_of(folder)
    file = kept_in(folder)
    for kept in (text, sealed(file, text)):
        file.write_text(kept)
        assert facts_of(folder) == first
        assert file.read_text() != kept


def test_no_flipped_byte_is_believed(folder, read):
    first = facts_of(folder)
    file = kept_in(folder)
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 7)]) + whole[place + 1 :])
        assert facts_cache._read(file) == {}
    assert facts_of(folder) == first
    assert read == 2 * ["torch_mine.py"]


def test_what_was_kept_in_another_form_is_read_again(folder, read):
    facts_of(folder)
    file = kept_in(folder)
    _, _, text = file.read_text().partition("\n")
    file.write_text(sealed(file, text.replace(f'"form": {FORM}', f'"form": {FORM + 1}')))
    facts_of(folder)
    assert read == 2 * ["torch_mine.py"]


def test_nothing_can_be_kept_and_all_is_read(folder, monkeypatch, read):
    (folder.parent / "file").write_text("")
    monkeypatch.setenv("SAMESTEP_CACHE", str(folder.parent / "file"))
    assert facts_of(folder) == facts_of(folder)
    assert read == 2 * ["torch_mine.py"]


def test_what_is_not_python_is_named_each_time(folder):
    (folder / "jax_mine.py").write_text("def train(:\n")
    for _ in range(2):
        with pytest.raises(SamestepError, match=r"jax_mine\.py is not Python"):
            facts_of(folder)


def test_a_file_that_is_gone_between_is_named(folder):
    with pytest.raises(SamestepError, match=r"gone\.py cannot be read: "):
        cached_facts(folder, [folder / "gone.py"])
