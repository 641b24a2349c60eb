"""What Python files say of themselves, read without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from samestep.catalog.roots import written
from samestep.errors import SamestepError

#: A constant text, or a tuple or list of texts.
Constant = str | Sequence[str]


@dataclass(frozen=True)
class SourceFacts:
    """The names that a file's top level binds and its constants (``NAME = "text"``, or a tuple of texts); and
    the packages that it imports anywhere."""

    bound: Sequence[str]
    constants: Mapping[str, Constant]
    imported: Sequence[str]

    def text(self, name: str) -> str | None:
        """Return a constant that is one text; None where there is none."""
        constant = self.constants.get(name)
        return constant if isinstance(constant, str) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a constant; () where there is none."""
        constant = self.constants.get(name, ())
        return (constant,) if isinstance(constant, str) else tuple(constant)


def source_facts(path: Path) -> SourceFacts:
    """Return the facts of a file. Raises SamestepError where it cannot be read or is not Python."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SamestepError(f"{written(path)} cannot be read: {error}") from error
    except SyntaxError as error:
        raise SamestepError(f"{written(path)} is not Python: {error.msg} (line {error.lineno})") from error
    except ValueError as error:  # a null byte
        raise SamestepError(f"{written(path)} is not Python: {error}") from error
    except (RecursionError, MemoryError) as error:  # the parser's stack: https://bugs.python.org/issue33306
        raise SamestepError(f"{written(path)} cannot be read: its expressions are nested too deep") from error
    return SourceFacts(tuple(_bound(tree)), dict(_constants(tree)), tuple(dict.fromkeys(_imported(tree))))


def summary_line(source: str) -> str:
    """Return the first paragraph of a file's docstring, in one line; "" of what is not Python."""
    try:
        return first_paragraph(ast.get_docstring(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


def first_paragraph(docstring: str | None) -> str:
    """Return the first paragraph of a docstring, in one line."""
    return " ".join((docstring or "").partition("\n\n")[0].split())


def _constants(tree: ast.Module) -> Iterator[tuple[str, Constant]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, RecursionError, MemoryError):
                continue  # it is computed, or nested too deep to be a text
            if isinstance(value, str):
                yield node.targets[0].id, value
            elif isinstance(value, tuple | list) and all(isinstance(one, str) for one in value):
                yield node.targets[0].id, tuple(value)


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (name.id for t in node.targets for name in ast.walk(t) if isinstance(name, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
