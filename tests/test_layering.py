"""The house's layering, held by reading the source: imports, clocks, processes, sizes, tolerances.

Nothing is imported here, so no framework needs to be installed. Each rule is a function from source to
the lines that break it, and each has a twin test that plants a violation.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.made.places import CHECKOUT

#: Which modules of the harness a part may import, its own aside; the lowest part first. Arrows point
#: down: a part may name earlier ones only. A module belongs to the longest name that it begins with.
LAYERS = {
    "impls": (),
    "errors": (),
    "spec": (),
    "caches": (),
    "weights": ("errors",),
    "frameworks": (),
    "conventions": (),
    "measure": (),
    "measure.clock": (),
    "measure.statistics": (),
    "measure.machine": (),
    "measure.interference": (),
    "measure.curves": ("measure.statistics",),
    "forecast": (),
    "agreement.verdict": (),
    "agreement.distance": (),
    "agreement": ("spec", "caches", "frameworks", "agreement.verdict", "agreement.distance"),
    "measure.subject": ("frameworks", "measure.clock", "measure.interference", "agreement"),
    "data": ("errors", "caches"),
    "outline": ("errors", "caches"),
    "catalog": ("impls", "errors", "spec", "outline"),
    "price": (),
    "selection": ("errors", "spec", "catalog"),
    "store": ("errors",),
    "janitor": (),
    "process": ("errors", "measure.clock", "agreement.verdict", "janitor"),
    "worker": (
        "errors", "frameworks", "measure.clock", "measure.machine", "agreement.verdict", "agreement",
        "measure.subject", "data", "catalog", "conventions",
    ),
    "lanes": (),
    "runner": (
        "errors", "caches", "agreement.verdict", "agreement.distance", "measure.clock", "catalog",
        "selection", "process", "lanes",
    ),
    "interview": ("agreement.verdict", "catalog", "conventions", "process", "lanes"),
    "arena": ("measure.statistics",),
    "gathered": ("arena",),
    "summary": ("measure.statistics", "measure.curves", "agreement.verdict", "arena", "gathered"),
    "comparison": ("measure.statistics", "agreement.verdict", "arena", "gathered", "summary"),
    "turns": (
        "agreement.verdict", "measure.clock", "forecast", "selection", "store", "process", "lanes", "runner",
    ),
    "screening": (
        "caches", "agreement.verdict", "forecast", "selection", "store", "process", "runner", "turns",
    ),
    "bench": ("measure.clock", "forecast", "selection", "store", "runner", "summary", "turns", "screening"),
    "devices": ("spec", "measure.statistics", "measure.curves", "arena", "gathered"),
    "report": (
        "errors", "outline", "agreement.verdict", "conventions", "measure.statistics", "measure.curves",
        "store", "arena", "summary", "comparison", "devices",
    ),
    "commands.options": ("errors", "catalog", "runner", "store", "report"),
    "commands": (
        "errors", "spec", "caches", "outline", "commands.options", "conventions", "interview", "forecast",
        "measure.clock", "measure.statistics", "measure.machine", "agreement.verdict", "data", "catalog",
        "price", "selection", "store", "janitor", "process", "runner", "summary", "comparison", "turns",
        "bench", "report",
    ),
    "cli": (
        "", "errors", "data", "catalog", "selection", "store", "runner", "summary", "report", "commands",
        "commands.options",
    ),
    "__main__": ("cli",),
    "": (),
}  # fmt: skip

FRAMEWORKS = ("torch", "tensorflow", "jax", "keras", "sklearn", "sympy")
#: Libraries that a framework's implementations may import because their arrays are theirs.
ARRAYS = {"keras": ("tensorflow", "numpy"), **dict.fromkeys(("sklearn", "sympy", "tensorflow"), ("numpy",))}
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
PURE = (
    "agreement",
    "arena",
    "agreement.verdict",
    "catalog",
    "comparison",
    "conventions",
    "gathered",
    "measure.statistics",
    "price",
    "report",
    "spec",
    "store",
    "summary",
    "devices",
    "measure.curves",
)

#: Lines of code, without blank lines, comments and docstrings.
MODULE_LINES, ARRAY_TYPE_LINES, FUNCTION_LINES, RUNG_LINES = 220, 300, 40, 100
ARRAY_TYPES = ("bound.py", "duck.py", "noise.py")

TOLERANCES = {
    "allclose", "isclose", "approx", "assert_allclose", "assert_almost_equal", "assert_array_almost_equal",
    "rtol", "atol", "tol", "rel_tol", "abs_tol", "tolerance",
}  # fmt: skip


# -- reading -------------------------------------------------------------------------------------------


def files(folder: str) -> list[Path]:
    return sorted((CHECKOUT / folder).rglob("*.py"))


def every(folder: str, keep=lambda path: True):
    found = [path for path in files(folder) if keep(path)]
    return pytest.mark.parametrize("path", found, ids=lambda path: str(path.relative_to(CHECKOUT)))


def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    """harness/measure/clock.py -> measure.clock; a package's __init__ is the package."""
    parts = path.relative_to(CHECKOUT / "harness/samestep").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def layer(module: str) -> str:
    """The part that a module of the harness belongs to; "" where it has no place."""
    names = [name for name in LAYERS if module == name or (name and module.startswith(f"{name}."))]
    return max(names, key=len, default="")


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


# -- rules ---------------------------------------------------------------------------------------------


def upward_imports(tree: ast.AST, module: str, package: str) -> list[str]:
    """Imports of a harness module that its layer does not allow. Names after `from` count as modules."""
    mine = layer(module)
    wrong = []
    for line, name in imports(tree, package):
        if top(name) != "samestep":
            continue
        inner = name.removeprefix("samestep").lstrip(".")
        its = layer(inner)
        if its != mine and its not in LAYERS[mine]:
            wrong.append(f"line {line}: {module} ({mine}) imports samestep.{inner}")
    return wrong


def foreign_imports(tree: ast.AST, allowed: set[str]) -> list[str]:
    """Imports of anything absolute that is not allowed."""
    return [f"line {line}: {name}" for line, name in imports(tree, "impls.w") if top(name) not in allowed]


def framework_imports(tree: ast.AST, own: str | None) -> list[str]:
    """Imports of a framework other than one's own and its arrays' library."""
    free = {own, *ARRAYS.get(own or "", ())}
    return [
        f"line {line}: {name}"
        for line, name in imports(tree, "samestep")
        if top(name) in {*FRAMEWORKS} - free
    ]


def framework_of(path: Path) -> str | None:
    """The framework that a module of the harness may import: an adapter's, and that of the answers' files."""
    folders = path.relative_to(CHECKOUT / "harness/samestep").parts[:-1]
    answers = len(folders) == 2 and folders[0] == "conventions"
    return path.stem if folders == ("frameworks",) or answers else None


def siblings(tree: ast.AST) -> list[str]:
    """The modules of its own folder that an implementation imports; one is allowed besides the spec."""
    names = {name.split(".")[2] for _, name in imports(tree, "impls.w") if name.startswith("impls.w.")}
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


# -- the harness ---------------------------------------------------------------------------------------


def test_arrows_point_down():
    order = list(LAYERS)
    upward = [(part, below) for part, names in LAYERS.items() for below in names
              if below and order.index(below) >= order.index(part)]  # fmt: skip
    assert not upward


@every("harness")
def test_a_module_imports_what_its_layer_allows(path):
    module = dotted(path)
    assert module == "" or layer(module), f"{module} has no place in LAYERS yet"
    package = ".".join(("samestep", *path.relative_to(CHECKOUT / "harness/samestep").parent.parts))
    assert not upward_imports(read(path), module, package)


@every("harness")
def test_frameworks_stay_in_their_adapters(path):
    assert not framework_imports(read(path), framework_of(path))


@every("harness", lambda path: dotted(path) not in ("measure.clock", "store"))
def test_only_the_clock_reads_a_clock(path):
    assert not imports_of(read(path), CLOCKS)


def test_the_store_asks_for_the_date_only():
    assert not imports_of(read(CHECKOUT / "harness/samestep/records/store.py"), CLOCKS - {"datetime"})


@every("harness", lambda path: layer(dotted(path)) in PURE)
def test_what_only_computes_starts_no_processes(path):
    assert not imports_of(read(path), PROCESSES)


@every("harness")
def test_a_module_can_be_read_at_a_sitting(path):
    source = path.read_text(encoding="utf-8")
    limit = ARRAY_TYPE_LINES if path.name in ARRAY_TYPES else MODULE_LINES
    assert code_lines(ast.parse(source), source) <= limit
    assert not long_functions(ast.parse(source), source)


# -- the implementations -------------------------------------------------------------------------------

rungs = every("impls", lambda path: path.name != "spec.py")


@rungs
def test_an_implementation_imports_its_framework_and_one_sibling(path):
    framework = path.stem.split("_")[0]
    tree = read(path)
    assert not foreign_imports(tree, {framework, *ARRAYS.get(framework, ()), *PLAIN, "impls"})
    assert len(siblings(tree)) <= 1


@rungs
def test_an_implementation_only_computes(path):
    assert not forbidden_acts(read(path))


@rungs
def test_an_implementation_is_one_page(path):
    source = path.read_text(encoding="utf-8")
    assert code_lines(ast.parse(source), source) <= RUNG_LINES


@every("impls", lambda path: path.name == "spec.py")
def test_a_spec_needs_numpy_at_most(path):
    tree = read(path)
    assert not foreign_imports(tree, {"samestep", "numpy", *PLAIN})
    assert {name for _, name in imports(tree) if top(name) == "samestep"} <= {
        f"samestep.spec.{name}" for name in ("Case", "Inputs", "Spec", "Task")
    }


# -- tolerances ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["harness", "impls", "tests"])
def test_no_tolerance_is_set_by_hand(folder):
    # What other projects do is quoted in one place, to be compared with.
    own = (path for path in files(folder) if path.name != "usual_checks.py")
    found = {str(path.relative_to(CHECKOUT)): tolerances(read(path)) for path in own}
    assert not {path: lines for path, lines in found.items() if lines}


@every("harness/samestep/agreement", lambda path: path.name != "limits.py")
def test_the_constants_of_agreement_stand_in_limits(path):
    assert not tolerances(read(path), sharp=True)


# -- the twins: what each rule must see ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("catalog", "from samestep import runner"),
        ("catalog", "import samestep.workers.server"),
        ("agreement.stages", "from samestep.measure.clock import now"),
        ("agreement.stages", "from samestep import measure"),
        ("agreement.verdict", "from samestep.agreement.arithmetic.bound import Bound"),
        ("runner", "from samestep.workers.server import Worker"),
        ("runner", "def start():\n    from samestep.workers.server import Worker"),
        ("data.find", "from ..catalog import Catalog"),
        ("frameworks.torch", "from samestep.spec import Spec"),
        ("spec", "from samestep.errors import SamestepError"),
    ],
)
def test_an_import_upwards_is_seen(module, source):
    package = "samestep." + module.rpartition(".")[0] if "." in module else "samestep"
    assert upward_imports(ast.parse(source), module, package)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("data.find", "from . import sets\nfrom .errors import DataError"),
        (
            "agreement.stages",
            "from samestep.spec import Spec\nfrom samestep.agreement.verdict import AGREE\nimport numpy",
        ),
        ("catalog", "import ast\nfrom samestep.errors import SamestepError"),
    ],
)
def test_an_import_downwards_passes(module, source):
    package = "samestep." + module.rpartition(".")[0] if "." in module else "samestep"
    assert not upward_imports(ast.parse(source), module, package)


def test_a_module_without_a_place_is_seen():
    assert layer("telemetry") == ""
    assert layer("report.page") == "report"


@pytest.mark.parametrize(
    ("path", "framework"),
    [
        ("frameworks/torch.py", "torch"),
        ("conventions/gradients/torch.py", "torch"),
        ("conventions/ask.py", None),
        ("conventions/torch.py", None),
        ("report/torch.py", None),
        ("worker.py", None),
    ],
)
def test_only_adapters_and_answers_have_a_framework(path, framework):
    assert framework_of(CHECKOUT / "harness/samestep" / path) == framework


PLANTED = [
    (lambda tree: framework_imports(tree, None), "import torch.nn as nn"),
    (lambda tree: framework_imports(tree, None), "def f():\n    from jax import numpy"),
    (lambda tree: framework_imports(tree, "jax"), "import tensorflow"),
    (lambda tree: foreign_imports(tree, {"torch"}), "import numpy as np"),
    (lambda tree: foreign_imports(tree, {"torch"}), "import torch, os"),
    (lambda tree: foreign_imports(tree, {"torch", "impls"}), "from samestep.spec import Spec"),
    (lambda tree: foreign_imports(tree, {"torch", "impls"}), "from ...harness import spec"),
    (forbidden_acts, "def forward(state, x):\n    print(x)"),
    (forbidden_acts, "loss = float(loss)"),
    (forbidden_acts, "loss = loss.item()"),
    (forbidden_acts, "torch.manual_seed(0)"),
    (lambda tree: imports_of(tree, CLOCKS), "from time import perf_counter"),
    (lambda tree: imports_of(tree, PROCESSES), "import concurrent.futures"),
    (tolerances, "assert np.allclose(a, b)"),
    (tolerances, "assert a == pytest.approx(b)"),
    (tolerances, "from math import isclose"),
    (tolerances, "compare(a, b, rtol=0)"),
    (tolerances, "def compare(a, b, atol): ..."),
    (tolerances, "assert abs(a - b) < 1e-5"),
    (tolerances, "assert abs(a - b) < 10 * 1e-5 * abs(b)"),
    (lambda tree: tolerances(tree, sharp=True), "SLACK = 1e-6"),
]


@pytest.mark.parametrize(("rule", "source"), PLANTED)
def test_a_violation_is_seen(rule, source):
    assert len(rule(ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source",
    ["rate = 1e-6 * 60", "SPEC = Case(numbers={'eps': 1e-8})", "assert ratio < 0.5", "'rtol'", "a < 1e3"],
)
def test_what_is_no_tolerance_passes(source):
    assert not tolerances(ast.parse(source))


def test_siblings_are_counted():
    source = (
        "from . import numpy_manual as m\nfrom .torch_nn import a, b\nfrom .spec import SPEC\nimport torch"
    )
    assert siblings(ast.parse(source)) == ["numpy_manual", "torch_nn"]


def test_lines_of_code_are_counted():
    long = "def f():\n" + '    """One.\n\n    Two.\n    """\n\n    # why\n' + "    x = 1\n" * FUNCTION_LINES
    assert code_lines(ast.parse(long), long) == FUNCTION_LINES + 1
    assert long_functions(ast.parse(long), long) == [f"line 1: f has {FUNCTION_LINES + 1} lines"]


def test_implementations_take_nothing_of_the_standard_library_that_acts():
    assert set(sys.stdlib_module_names) >= PLAIN
    assert not PLAIN & (CLOCKS | PROCESSES | {"os", "sys", "io", "random", "pathlib", "logging"})
