"""What Python files say of themselves: read without running them, and remembered until they change."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from samestep import paths
from samestep.errors import SamestepError

#: When a file was changed last, in nanoseconds, and its size in bytes.
Stamp = tuple[int, int]

#: What is remembered has this form; of another one nothing is known.
FORM = 1


@dataclass(frozen=True)
class Outline:
    """Of a file's top level the names that it binds and its constants (``NAME = "text"``, or a tuple of
    texts); and the packages that it imports anywhere."""

    bound: tuple[str, ...]
    constants: dict[str, str | list[str]]
    imported: tuple[str, ...]


def outline(path: Path) -> Outline:
    """Raises SamestepError where the file cannot be read or is no Python."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SamestepError(f"{path} cannot be read: {error}") from error
    except (SyntaxError, ValueError) as error:
        raise SamestepError(f"{path} is no Python: {error}") from error
    return Outline(tuple(_bound(tree)), dict(_constants(tree)), tuple(dict.fromkeys(_imported(tree))))


def said(source: str) -> str:
    """The first paragraph of what a file says of itself; nothing of what is no Python."""
    try:
        return opening(ast.get_docstring(ast.parse(source)))
    except (SyntaxError, ValueError):
        return ""


def opening(docstring: str | None) -> str:
    """Its first paragraph, in one line."""
    return " ".join((docstring or "").partition("\n\n")[0].split())


def outlines(folder: Path, files: Iterable[Path]) -> dict[Path, Outline]:
    """Of each of these files, which are remembered together, under the name of their folder."""
    memory = paths.home() / "outlines" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"
    known, found = _known(memory), dict[Path, tuple[Stamp, Outline]]()
    for path in files:
        stamp, (then, old) = _stamp(path), known.get(path, (None, None))
        found[path] = stamp, old if old and stamp == then else outline(path)
    if found != known:
        known_now = {str(path): [stamp, asdict(one)] for path, (stamp, one) in found.items()}
        _remember(memory, {"form": FORM, "files": known_now})
    return {path: one for path, (_, one) in found.items()}


def _stamp(path: Path) -> Stamp:
    """What changes with the file: no editor and no installer can set the time of a change back."""
    try:
        found = path.stat()
    except OSError as error:
        raise SamestepError(f"{path} cannot be read: {error}") from error
    return found.st_ctime_ns, found.st_size


def _known(memory: Path) -> dict[Path, tuple[Stamp, Outline]]:
    """What was remembered; nothing where that is missing, damaged or of another form."""
    try:
        found = json.loads(memory.read_text(encoding="utf-8"))
        files = found["files"] if found["form"] == FORM else {}
        return {Path(name): ((stamp[0], stamp[1]), _read(one)) for name, (stamp, one) in files.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return {}


def _read(told: dict[str, Any]) -> Outline:
    return Outline(tuple(told["bound"]), dict(told["constants"]), tuple(told["imported"]))


def _remember(memory: Path, document: dict[str, Any]) -> None:
    """Whole or not at all; where nothing can be written everything is read again the next time."""
    part = memory.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(json.dumps(document), encoding="utf-8")
            part.replace(memory)
        finally:
            part.unlink(missing_ok=True)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str | list[str]]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError):
                continue  # computed, so no constant
            if isinstance(value, str):
                yield node.targets[0].id, value
            elif isinstance(value, tuple | list) and all(isinstance(one, str) for one in value):
                yield node.targets[0].id, list(value)


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
