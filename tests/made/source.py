"""Source files as data: what they import, call and hold, and how long they are. Each is parsed once.

A rule is a function from a tree to the lines that break it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.made.places import CHECKOUT

PACKAGE = CHECKOUT / "harness/samestep"
#: Where relative imports of an implementation are resolved.
WORKLOAD = "samestep.impls.w"

FRAMEWORKS = ("torch", "tensorflow", "jax", "keras", "sklearn", "sympy", "onnx", "onnxruntime")
#: Libraries that a framework's implementations may import because their arrays are theirs.
ARRAYS = {
    "keras": ("tensorflow", "numpy"),
    "numpy": ("scipy",),
    "onnx": ("onnxruntime",),  # one room for both: what is exported, and what runs it
    "onnxruntime": ("torch", "onnx", "numpy"),  # what exports the graph, and the arrays that a session takes
    **dict.fromkeys(("sklearn", "sympy", "tensorflow"), ("numpy",)),
}
#: What an implementation may take from the standard library: nothing that prints, waits, reads or draws.
PLAIN = {
    "collections", "contextlib", "copy", "dataclasses", "functools", "itertools", "math", "operator",
    "types", "typing",
}  # fmt: skip

#: What it never calls: it prints, opens, converts and seeds nothing.
ACTS = {"print", "open", "input", "float", "exec", "eval"}
METHODS = {"item", "seed", "manual_seed", "set_seed"}

CLOCKS = {"time", "timeit", "datetime", "sched"}
PROCESSES = {"subprocess", "multiprocessing", "concurrent", "threading", "signal", "asyncio"}

#: Lines of code, without blank lines, comments and docstrings.
MODULE_LINES, ARRAY_TYPE_LINES, FUNCTION_LINES, RUNG_LINES = 220, 300, 40, 100
#: The backward pass by hand through every layer of a network takes more of them.
BY_HAND_LINES = 165
ARRAY_TYPES = ("bound.py", "rounding_array.py", "noise.py")

TOLERANCES = {
    "allclose", "isclose", "approx", "assert_allclose", "assert_almost_equal", "assert_array_almost_equal",
    "rtol", "atol", "tol", "rel_tol", "abs_tol", "tolerance",
}  # fmt: skip


@cache
def source(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file; nobody changes it."""
    return ast.parse(source(path))


@cache
def python_files(folder: str) -> tuple[Path, ...]:
    """The Python files below a folder of the checkout."""
    return tuple(sorted((CHECKOUT / folder).rglob("*.py")))


def dotted(path: Path) -> str:
    """measure/clock.py -> measure.clock; a package's __init__ is the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(tree: ast.AST, package: str = "") -> Iterator[tuple[int, str]]:
    """Every import wherever it stands, as (line, absolute dotted name); ``package`` resolves the dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def top(name: str) -> str:
    return name.split(".")[0]


def foreign_imports(tree: ast.AST, allowed: set[str]) -> list[str]:
    """Imports of anything that is not allowed; siblings of the same workload are."""
    return [
        f"line {line}: {name}"
        for line, name in imports(tree, WORKLOAD)
        if top(name) not in allowed and not name.startswith(f"{WORKLOAD}.")
    ]


def framework_imports(tree: ast.AST, own: str | None) -> list[str]:
    """Imports of a framework other than one's own and its arrays' library."""
    free = {own, *ARRAYS.get(own or "", ())}
    return [
        f"line {line}: {name}"
        for line, name in imports(tree, "samestep")
        if top(name) in {*FRAMEWORKS} - free
    ]


#: The rooms of models and engines that belong to one framework, by the name of their folder.
ROOMS_OF = {"torch": "torch", "jax": "jax", "jaxpr": "jax", "keras": "keras", "onnx": "onnx"}


def framework_of(path: Path) -> str | None:
    """The framework that a module may import: an adapter's, and that of the files of a topic's answers."""
    folders = path.relative_to(PACKAGE).parts[:-1]
    if folders[:1] == ("models",) or folders[:2] == ("agreement", "arithmetic"):
        return ROOMS_OF.get(folders[-1])
    if folders[-1:] == ("exports",):
        return "onnxruntime"  # runs what PyTorch exports
    answers = len(folders) > 1 and folders[0] == "conventions"
    return path.stem if folders == ("frameworks",) or answers else None


def siblings(tree: ast.AST) -> list[str]:
    """The modules of its own folder that an implementation imports; one is allowed besides the spec."""
    names = {name.split(".")[3] for _, name in imports(tree, WORKLOAD) if name.startswith(f"{WORKLOAD}.")}
    return sorted(names - {"spec"})


def forbidden_acts(tree: ast.AST) -> list[str]:
    """Calls that an implementation never makes."""
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in ACTS:
                wrong.append(f"line {node.lineno}: {called.id}()")
            if isinstance(called, ast.Attribute) and called.attr in METHODS:
                wrong.append(f"line {node.lineno}: .{called.attr}()")
    return wrong


def imports_of(tree: ast.AST, names: set[str]) -> list[str]:
    return [f"line {line}: {name}" for line, name in imports(tree, "samestep") if top(name) in names]


def tolerances(tree: ast.AST, sharp: bool = False) -> list[str]:
    """Names that are tolerances, and small decimals in a comparison (``sharp``: small decimals anywhere)."""
    wrong = []
    for node in ast.walk(tree):
        names = {getattr(node, field, None) for field in ("id", "attr", "arg", "name")}
        wrong += [f"line {getattr(node, 'lineno', 0)}: {name}" for name in names if name in TOLERANCES]
        if isinstance(node, ast.Compare) or (sharp and isinstance(node, ast.Constant)):
            numbers = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            small = [n for n in numbers if isinstance(n, float) and 0 < abs(n) < 1 / 100]
            wrong += [f"line {node.lineno}: {number}" for number in small]
    return wrong


def code_lines(node: ast.AST, source: str) -> int:
    """Lines that hold code: not blank, no comment, no docstring."""
    text = source.splitlines()
    first, last = (node.lineno, node.end_lineno) if hasattr(node, "lineno") else (1, len(text))
    prose = {
        line
        for inner in ast.walk(node)
        if isinstance(inner, ast.Expr) and isinstance(getattr(inner.value, "value", None), str)
        for line in range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
    }
    lines = (text[number - 1].strip() for number in range(first, last + 1) if number not in prose)
    return sum(bool(line) and not line.startswith("#") for line in lines)


def long_functions(tree: ast.AST, source: str) -> list[str]:
    sizes = {n: code_lines(n, source) for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    return [
        f"line {n.lineno}: {n.name} has {size} lines" for n, size in sizes.items() if size > FUNCTION_LINES
    ]
