"""The files that a Python file is made of: what it imports of the user's own, and the data that it names.

Read without running it. Seen are imports, relative ones and those of modules that lie beside the file or
outside of what is installed (PYTHONPATH, an editable install); modules that are named by a constant text
(``import_module("._mine", __package__)``); and files of its folder, and of those below, whose names stand in
a constant text (``Path(__file__).parent / "weights.npz"``). Not seen is a name that is only put together when
the code runs, and a file that lies elsewhere.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

#: A text that may name a module or a file: no sentence, nothing over several lines.
NAME = re.compile(r"[\w./-]{1,200}")

SUFFIXES = tuple(importlib.machinery.all_suffixes())
INSTALLED = tuple(str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "purelib", "platlib"))


class OwnFiles:
    """Looks for what files import and name, each file and each folder once.

    ``folders`` are those of the workload, which its modules see as one; modules of the names ``foreign`` (the
    frameworks, samestep) are nobody's own.
    """

    def __init__(self, folders: Sequence[Path], foreign: Iterable[str]) -> None:
        self.folders = [folder.resolve() for folder in folders]
        self.foreign = frozenset(foreign)
        self._named: dict[Path, list[Path]] = {}
        self._listed: dict[Path, frozenset[str]] = {}
        self._all: dict[Path, list[Path]] = {}

    def of(self, starts: Iterable[Path]) -> list[Path]:
        """Return these files and all that they are made of, each once, in the order in which they are met."""
        found = dict.fromkeys(path.resolve() for path in starts)
        left = list(found)
        while left:
            path = left.pop(0)
            if path not in self._named:
                self._named[path] = list(dict.fromkeys(self._named_in(path)))
            new = [one for one in self._named[path] if one not in found]
            found |= dict.fromkeys(new)
            left += new
        return list(found)

    def _named_in(self, path: Path) -> Iterator[Path]:
        """Return the files that a Python file imports or names; none of another kind of file."""
        tree = _tree(path)
        for node in ast.walk(tree) if tree else ():
            match node:
                case ast.Import():
                    for alias in node.names:
                        yield from self._absolute(path, alias.name.split("."))
                case ast.ImportFrom():
                    module = node.module.split(".") if node.module else []
                    for alias in node.names:
                        yield from self._imported(path, node.level, [*module, alias.name])
                case ast.Constant(value=str(text)) if NAME.fullmatch(text):
                    yield from self._in_a_text(path, text)

    def _imported(self, path: Path, level: int, names: Sequence[str]) -> Iterator[Path]:
        if not level:
            yield from self._absolute(path, names)
            return
        package = path.parents[min(level, len(path.parents)) - 1]
        for folder in self.folders if package in self.folders else [package]:
            yield from self._modules(folder, names)

    def _absolute(self, path: Path, names: Sequence[str]) -> Iterator[Path]:
        """Return the files of a module that lies beside the file, or outside of what is installed."""
        beside = list(self._modules(path.parent, names))
        yield from beside
        if not beside and names[0] not in self.foreign and (place := _place(names[0])):
            yield from self._modules(place, names)

    def _in_a_text(self, path: Path, text: str) -> Iterator[Path]:
        dots = len(text) - len(text.lstrip("."))
        names = text[dots:].split(".")
        if all(name.isidentifier() for name in names):
            yield from self._imported(path, max(dots, 1), names)
        name = text.rpartition("/")[2]
        if "." in name.strip("."):
            yield from (found for found in self._below(path.parent) if found.name == name)

    def _modules(self, folder: Path, names: Sequence[str]) -> Iterator[Path]:
        """Return the files of a dotted name below a folder: those of the packages that lead there too."""
        for name in names:
            yield from self._with_a_suffix(folder, name)
            if name not in self._list(folder):
                return
            folder = folder / name
            yield from self._with_a_suffix(folder, "__init__")

    def _with_a_suffix(self, folder: Path, stem: str) -> Iterator[Path]:
        here = self._list(folder)
        yield from (folder / f"{stem}{suffix}" for suffix in SUFFIXES if f"{stem}{suffix}" in here)

    def _list(self, folder: Path) -> frozenset[str]:
        """Return the names in a folder; none where there is none."""
        if folder not in self._listed:
            self._listed[folder] = (
                frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()
            )
        return self._listed[folder]

    def _below(self, folder: Path) -> list[Path]:
        """Return the files in a folder and in those below it."""
        if folder not in self._all:
            self._all[folder] = sorted(path.resolve() for path in folder.rglob("*.*") if path.is_file())
        return self._all[folder]


def _tree(path: Path) -> ast.Module | None:
    """Return a parsed Python file; None of anything else."""
    if path.suffix != ".py":
        return None
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # whoever imports it will say so
        return None


@cache
def _place(name: str) -> Path | None:
    """Return the folder in which a top-level module of the user's own lies; None of one that is installed."""
    if name in sys.stdlib_module_names:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    origin = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
    if not origin or not Path(origin).exists():
        return None
    path = Path(origin).resolve()
    if str(path).startswith(INSTALLED):
        return None
    return path.parents[1] if path.stem == "__init__" else path.parent
