"""Which framework each function of a port file is written in, read from its imports without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from samestep.catalog.roots import ADAPTERS
from samestep.errors import SamestepError
from samestep.models.found_framework import PACKAGES

#: What imports say: the frameworks that samestep knows, and packages that are written in one of them.
FRAMEWORKS = {
    **{path.stem: path.stem for path in ADAPTERS.glob("*.py") if path.stem != "__init__"},
    **PACKAGES,
    "haiku": "jax",
    "timm": "torch",
    "torchvision": "torch",
}

#: A package with models of several frameworks, and how the names of those begin that are not PyTorch's.
TRANSFORMERS, PREFIXES = "transformers", {"Flax": "jax", "TF": "tensorflow"}

#: How deep functions that a function calls, and files that it imports, are followed.
DEPTH = 4


def framework_of(path: Path, function: str, line: int) -> str:
    """Return the framework that a function of a file is written in; ``line`` is its first one.

    What it imports counts, and what the functions and files beside it import that it uses. Keras goes before
    its backends, and NumPy is left. Raises SamestepError where it uses several.
    """
    tree = _tree(path)
    node = next(
        (
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == function
            and line in (node.lineno, *(one.lineno for one in node.decorator_list))
        ),
        tree,
    )
    found = dict.fromkeys(_frameworks(path, node, DEPTH))
    others = [name for name in found if name != "numpy"]
    if "keras" in others:
        return "keras"
    if len(others) > 1:
        raise SamestepError(
            f"{function} imports {' and '.join(others)}: say which it is written in with "
            f"framework={others[-1]!r} in its mark"
        )
    return others[0] if others else "numpy"


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def _frameworks(path: Path, node: ast.AST, depth: int) -> Iterator[str]:
    """Return the frameworks that a piece of a file uses, in the order in which they are met."""
    if not depth:
        return
    for statement in _imports(node):
        yield from _imported(path, statement, depth)
    top = _top(path)
    used = {name.id: None for name in ast.walk(node) if isinstance(name, ast.Name)}
    for owner in dict.fromkeys(top[name] for name in used if name in top):
        if isinstance(owner, ast.Import | ast.ImportFrom):
            yield from _imported(path, owner, depth)
        elif owner is not node:
            yield from _frameworks(path, owner, depth - 1)


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    yield from (one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom))


@cache
def _top(path: Path) -> Mapping[str, ast.stmt]:
    """Return what the names of a file's top level stand for: imports, functions, classes, values."""
    found: dict[str, ast.stmt] = {}
    for node in _tree(path).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = node
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found.update((name.id, node) for name in node.targets if isinstance(name, ast.Name))
    return found


def _imported(path: Path, node: ast.Import | ast.ImportFrom, depth: int) -> Iterator[str]:
    names = [alias.name for alias in node.names]
    modules = names if isinstance(node, ast.Import) else [node.module or ""]
    for module in modules:
        package = module.partition(".")[0]
        beside = [path.parent / f"{module.replace('.', '/')}{end}" for end in (".py", "/__init__.py")]
        if own := next((file for file in beside if module and file.is_file()), None):
            yield from _frameworks(own, _tree(own), depth - 1)
        elif package == TRANSFORMERS:
            yield from (
                next((PREFIXES[start] for start in PREFIXES if name.startswith(start)), "torch")
                for name in (names if isinstance(node, ast.ImportFrom) else [""])
            )
        elif package in FRAMEWORKS:
            yield FRAMEWORKS[package]
