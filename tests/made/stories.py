"""The mistakes that the README of an example tells of: each a diff that mends it, and what samestep printed.

A story is a fenced ``diff`` of one file of the example, whose + lines are in it and whose - lines are the
mistake; then a fenced block of what `samestep.assert_agreement` raised. To see the mistake again, the diff is
turned round in the example's source, and the example's own test is run with it.
"""

from __future__ import annotations

import re
import runpy
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STORY = re.compile(r"```diff\n--- (\S+)\n(.*?)```.*?```\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True)
class Story:
    """A mistake in ``file``: ``right`` is the text there, ``wrong`` what stood there first."""

    file: Path
    wrong: str
    right: str
    printed: str

    @property
    def source(self) -> str:
        """The file's text with the mistake. Raises AssertionError where the mended text is not in it once."""
        text = self.file.read_text(encoding="utf-8")
        assert text.count(self.right) == 1, (
            f"{self.file} has this {text.count(self.right)} times:\n{self.right}"
        )
        return text.replace(self.right, self.wrong)


def stories(readme: Path) -> list[Story]:
    """Return the stories of a README, in its order."""
    text = readme.read_text(encoding="utf-8")
    return [
        Story(readme.parent / file, _side(diff, "-"), _side(diff, "+"), printed)
        for file, diff, printed in STORY.findall(text)
    ]


def tolerances_said(readme: Path) -> list[dict[str, bool]]:
    """Return by story which tolerances on outputs notice it, as the README's table says."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in readme.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    names = [re.sub(r" on outputs$", "", name) for name in rows[0]]
    columns = [i for i, name in enumerate(names) if re.fullmatch(r"1e-\d", name)]
    return [{names[i]: row[i] == "notices" for i in columns} for row in rows[2:]]


def words(text: str) -> list[str]:
    """Return the lines with every number, its sign with it, as #, and all runs of blanks as one."""
    number = r"((?<= )-)?\d[\d.]*(e[+-]\d+)?"
    return [re.sub(r" +", " ", re.sub(number, "#", line)) for line in text.splitlines()]


def _side(diff: str, sign: str) -> str:
    """One side of a diff: its own lines, and those of both."""
    return "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in f"{sign} ")


@contextmanager
def mistaken(story: Story, folder: Path) -> Iterator[None]:
    """Import the example's module with the mistake while the block runs; its source is kept in ``folder``."""
    name = f"examples.{story.file.parent.name}.{story.file.stem}"
    file = folder / story.file.name
    file.write_text(story.source, encoding="utf-8")
    module = types.ModuleType(name)
    module.__file__ = str(file)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        exec(compile(story.source, str(file), "exec"), module.__dict__)  # dataclasses look up their module
        yield
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before


def run_test(folder: Path) -> None:
    """Call every test of the example's own test file, imported anew."""
    names = runpy.run_path(str(folder / "test_port.py"))
    for name, test in names.items():
        if name.startswith("test_"):
            test()
