"""Names in a port file that were probably meant for others: an ``input`` that nothing reads, a ``LAYER``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

#: What samestep reads of a port file, beside the functions that are marked.
NAMES = ("inputs", "targets", "loss", "convert", "convert_state", "LAYERS")

#: From how much of two names on, as difflib counts it, one is taken for a slip of the other.
NEAR = 0.8


def misspelled(path: Path) -> Iterator[tuple[int, str, str]]:
    """Return each name of the top level that is nearly one of `NAMES` and is used nowhere in the file: its
    line, the name, and the one that was probably meant."""
    tree = ast.parse(path.read_bytes())
    read = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    bound = {name for _, name in _bound(tree)}
    for line, name in _bound(tree):
        meant = max(NAMES, key=lambda known: _alike(name, known))
        if name not in NAMES and meant not in bound and name not in read and _alike(name, meant) >= NEAR:
            yield line, name, meant


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _bound(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            marked = any(isinstance(part, ast.Name) and part.id == "samestep"
                         for one in node.decorator_list for part in ast.walk(one))  # fmt: skip
            if not marked:
                yield node.lineno, node.name
        elif isinstance(node, ast.Assign):
            yield from ((node.lineno, one.id) for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.lineno, node.target.id
