"""The house's layering, held by reading the source: imports, clocks, processes, sizes, tolerances.

Nothing is imported here, so no framework needs to be installed. Each rule is a function from a tree to the
lines that break it (`tests.made.source`), and each has a twin test that plants a violation.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.made.places import CHECKOUT
from tests.made.source import (
    ARRAY_TYPE_LINES,
    ARRAY_TYPES,
    ARRAYS,
    BY_HAND_LINES,
    CLOCKS,
    FUNCTION_LINES,
    MODULE_LINES,
    PACKAGE,
    PLAIN,
    PROCESSES,
    RUNG_LINES,
    code_lines,
    dotted,
    forbidden_acts,
    foreign_imports,
    framework_imports,
    framework_of,
    imports,
    imports_of,
    long_functions,
    parsed,
    python_files,
    siblings,
    source,
    tolerances,
    top,
)

#: What everybody may import: plain data types and errors.
BASE = ("errors", "codec", "field_checks", "spec", "paths", "nearest_name", "printable")
#: What travels between rooms.
DATA = (*BASE, "agreement.findings", "agreement.verdict", "catalog.cell", "measure.hardware", "records")

#: How the sides of a comparison are described.
SUBJECT = (
    "models.tensors", "models.question", "models.subject", "models.losses", "models.nested", "models.twice",
    "models.found_framework", "models.on_the_way",
)  # fmt: skip

#: Which modules a room, or a part of one, may import, its own aside; the lowest first. Arrows point down: a
#: room names earlier ones only. A module belongs to the longest name that it begins with.
LAYERS: dict[str, tuple[str, ...]] = {
    "impls": (),
    "errors": (),
    "nearest_name": (),
    "printable": (),
    "spec": (),
    "paths": ("errors",),
    "field_checks": (),
    "codec": (),
    "parameters": ("errors",),
    "records.sealed_arrays": ("errors", "codec"),
    "records.sealed_documents": ("errors", "codec", "records.sealed_arrays"),
    "frameworks": (),
    "data": ("errors", "paths"),
    "measure.clock": (),
    "measure.interference": (),
    "measure.hardware": (),
    "agreement": (),
    "agreement.limits": (),
    "agreement.blocks": (),
    "agreement.aside": ("errors", "paths"),
    "agreement.released": (),
    "agreement.findings": (),
    "agreement.verdict": ("agreement.findings",),
    "agreement.distance": ("agreement.findings",),
    "agreement.arithmetic": ("agreement.limits",),
    "agreement.arithmetic.torch": (
        "agreement.limits", "agreement.aside", "agreement.released", "agreement.arithmetic",
    ),
    "agreement.arithmetic.jaxpr": ("agreement.limits", "agreement.arithmetic"),
    "agreement.reference": (
        "spec", "paths", "agreement.limits", "agreement.aside", "agreement.findings", "agreement.verdict",
        "agreement.arithmetic",
    ),
    "agreement.diagnosis": (
        "spec", "agreement.limits", "agreement.findings", "agreement.verdict", "agreement.arithmetic",
        "agreement.reference",
    ),
    "agreement.examination": (
        "spec", "frameworks", "agreement.limits", "agreement.blocks", "agreement.findings",
        "agreement.verdict", "agreement.distance", "agreement.arithmetic", "agreement.reference",
        "agreement.diagnosis",
    ),
    "conventions.ports": ("agreement.arithmetic", "agreement.reference", "agreement.examination"),
    "conventions": ("conventions.ports",),
    "agreement.free_run": (
        "agreement.findings", "agreement.verdict", "agreement.reference", "agreement.examination",
    ),
    "catalog.cell": ("codec",),
    "catalog": (*BASE, "impls", "data", "catalog.cell"),
    "records": (*DATA[:-1], "catalog"),
    "models.tensors": (),
    "models.dtypes": ("agreement.arithmetic",),
    "models.question": ("models.tensors", "models.dtypes"),
    "models.twice": ("agreement.aside", "models.tensors"),
    "models.found_framework": (),
    "models.subject": ("errors", "agreement.arithmetic", "models.tensors", "models.question", "models.twice"),
    "models.on_the_way": ("models.question", "models.subject"),
    "models.losses": ("models.subject",),
    "models.nested": ("models.subject",),
    "models.timed_model": ("models.question",),
    "models.numpy": ("agreement.limits", "agreement.arithmetic", *SUBJECT),
    "models.onnx": ("agreement.arithmetic", *SUBJECT, "models.numpy"),
    "models.torch": (
        "agreement.limits", "agreement.arithmetic", "agreement.arithmetic.torch", *SUBJECT,
        "models.timed_model",
    ),
    "models.jax": (
        "agreement.limits", "agreement.arithmetic", "agreement.arithmetic.jaxpr", *SUBJECT,
        "models.timed_model",
    ),
    "models.keras": (
        "agreement.limits", "agreement.arithmetic", "agreement.arithmetic.jaxpr",
        "agreement.arithmetic.torch", *SUBJECT, "models.torch", "models.jax",
    ),
    "models.pairing": (
        "nearest_name", "agreement.limits", "agreement.blocks", "agreement.arithmetic", "models.dtypes",
        *SUBJECT,
    ),
    "models.fitting": ("agreement.limits", "agreement.verdict", *SUBJECT),
    "models.recorded": (
        "errors", "codec", "agreement.arithmetic", "agreement.reference", "records.sealed_arrays",
        "records.sealed_documents", *SUBJECT, "models.pairing",
    ),
    "models": (
        *BASE, "agreement.limits", "agreement.blocks", "agreement.aside", "agreement.released",
        "agreement.findings", "agreement.verdict",
        "agreement.arithmetic", "agreement.reference", "agreement.examination", "models.dtypes", *SUBJECT,
        "models.timed_model", "models.numpy", "models.onnx",
        "models.torch", "models.jax", "models.keras", "models.pairing", "models.fitting", "models.recorded",
        "conventions.ports",
    ),
    "ports": (
        *BASE, "agreement.verdict", "frameworks", "catalog", "records", "records.sealed_arrays", *SUBJECT,
        "models.timed_model", "models",
    ),
    "measure": (),
    "measure.account": ("measure.clock",),
    "measure.machine_speed": ("frameworks", "measure.clock", "measure.interference"),
    "measure.fingerprint": ("measure.hardware", "records"),
    "measure.timed_tasks": (
        "frameworks", "measure.clock", "measure.interference", "agreement.examination", "records",
    ),
    "measure.turns": (
        "frameworks", "measure.clock", "measure.interference", "measure.timed_tasks",
        "agreement.examination",
    ),
    "measure.load": ("records",),
    "analysis": (*DATA, "conventions", "measure.interference"),
    "report": (*DATA, "conventions", "conventions.ports", "catalog", "analysis"),
    "workers.cleanup": (),
    "workers.cleanup_process": (),
    "workers.descendants": ("workers.cleanup_process",),
    "workers.environment": ("measure.clock",),
    "workers.frames": ("codec",),
    "workers.request": (),
    "workers.raw_requests": ("agreement.examination", "workers.request"),
    "workers.port_requests": (*DATA, "workers.raw_requests", "workers.request"),
    "workers.protocol": (
        *DATA, "frameworks", "workers.frames", "workers.raw_requests", "workers.port_requests",
        "workers.request",
    ),
    "workers.channel": ("workers.frames",),
    "workers.connection": ("measure.clock", "workers.frames"),
    "workers.failures": (
        "agreement.verdict", "data", "frameworks",
    ),
    "workers.process_settings": (),
    "workers.world": ("frameworks", "workers.process_settings"),
    "workers.open_candidate": (
        *DATA, "catalog", "data", "frameworks", "agreement.examination", "workers.raw_requests",
        "workers.failures",
    ),
    "workers.port_operations": ("catalog", "ports", "workers.port_requests"),
    "workers.kept_objects": ("agreement.examination", "measure.turns", "workers.raw_requests"),
    "workers.remote_calls": (
        "agreement.examination", "workers.frames", "workers.raw_requests", "workers.request",
    ),
    "workers.serving": (
        "errors", "workers.frames", "workers.request", "workers.protocol", "workers.channel",
        "workers.failures",
    ),
    "workers.server": (
        *DATA, "catalog", "conventions", "frameworks", "measure.clock", "measure.timed_tasks",
        "measure.machine_speed", "measure.turns", "agreement.examination", "workers.protocol",
        "workers.raw_requests", "workers.port_requests", "workers.request",
        "workers.kept_objects", "workers.open_candidate", "workers.port_operations", "workers.serving",
        "workers.world", "ports",
    ),
    "workers.judge_server": (
        *DATA, "catalog", "frameworks", "agreement.reference", "agreement.examination",
        "agreement.free_run", "workers.frames", "workers.protocol", "workers.raw_requests",
        "workers.request", "workers.channel", "workers.remote_calls", "workers.serving",
    ),
    "workers.start": (),
    "workers": (
        *DATA, "catalog", "ports", "frameworks", "measure.clock", "measure.account", "workers.cleanup",
        "workers.cleanup_process", "workers.descendants",
        "workers.environment",
        "workers.frames", "workers.request", "workers.raw_requests", "workers.port_requests",
        "workers.protocol", "workers.connection",
    ),
    "jobs": (
        *DATA, "catalog", "ports", "conventions", "conventions.ports", "frameworks", "measure.clock",
        "measure.account", "measure.fingerprint", "measure.load", "agreement.distance", "analysis",
        "workers.cleanup", "workers.environment", "workers.request", "workers.raw_requests",
        "workers.protocol", "workers",
    ),
    "api": (
        *DATA, "catalog", "frameworks", "agreement.examination",
        "workers.raw_requests", "workers.open_candidate", "workers",
    ),
    "testing": (
        *DATA, "", "records.sealed_arrays", "records.sealed_documents", "agreement.reference", "models",
        "models.tensors", "models.subject", "models.torch", "models.recorded",
    ),
    "commands": (
        *DATA, "", "records.sealed_arrays", "models.recorded", "testing", "catalog", "ports", "conventions",
        "data", "measure.clock", "measure.fingerprint", "analysis", "report", "workers.cleanup", "workers",
        "jobs",
    ),
    "__main__": ("commands",),
    "pytest_plugin": ("errors", "paths", "testing"),
    "": ("errors", "api", "agreement.arithmetic.jaxpr", "models", "models.subject", "ports"),
}  # fmt: skip

#: Rooms that compute and read: no processes, no clocks.
PURE = ("agreement", "analysis", "catalog", "conventions", "frameworks", "records", "report", "spec", "codec")

Rule = Callable[[Path], list[str]]


def layer(module: str) -> str:
    """The room, or the part of one, that a module belongs to; "" where it has no place."""
    names = [name for name in LAYERS if module == name or (name and module.startswith(f"{name}."))]
    return max(names, key=len, default="")


def upward_imports(tree: ast.AST, module: str, package: str = "") -> list[str]:
    """Imports of samestep that the module's layer does not allow. Names after `from` count as modules."""
    mine, wrong = layer(module), []
    package = package or f"samestep.{module}".rpartition(".")[0]
    for line, name in imports(tree, package):
        its = layer(name.removeprefix("samestep").lstrip("."))
        if top(name) == "samestep" and its != mine and its not in LAYERS[mine]:
            wrong.append(f"line {line}: {module} ({mine}) imports {name}")
    return wrong


def broken(rule: Rule, paths: Iterable[Path]) -> dict[str, list[str]]:
    """Each file that breaks a rule, with the lines."""
    found = {str(path.relative_to(CHECKOUT)): rule(path) for path in paths}
    assert found, "no file was read"
    return {path: lines for path, lines in found.items() if lines}


def on_trees(rule: Callable[[ast.Module], list[str]]) -> Rule:
    return lambda path: rule(parsed(path))


def in_rooms(*rooms: str) -> list[Path]:
    return [path for path in python_files("harness") if layer(dotted(path)).split(".")[0] in rooms]


# -- the package ---------------------------------------------------------------------------------------


def test_arrows_point_down():
    order = list(LAYERS)
    upward = [(part, below) for part, names in LAYERS.items() for below in names
              if below and order.index(below) >= order.index(part)]  # fmt: skip
    assert not upward


def test_every_module_has_a_place_and_imports_what_it_allows():
    def rule(path: Path) -> list[str]:
        module = dotted(path)
        placed = module == "" or layer(module)
        package = ".".join(("samestep", *path.relative_to(PACKAGE).parent.parts))
        return upward_imports(parsed(path), module, package) if placed else ["it has no place in LAYERS"]

    assert not broken(rule, python_files("harness"))


def test_nothing_but_the_package_lies_in_the_source_root():
    assert [path.name for path in PACKAGE.parent.iterdir() if path.name != "__pycache__"] == ["samestep"]


def test_frameworks_stay_in_their_adapters():
    rule = lambda path: framework_imports(parsed(path), framework_of(path))  # noqa: E731
    assert not broken(rule, python_files("harness"))


def test_only_the_clock_reads_a_clock():
    readers = ("measure.clock", "records.store")
    others = [path for path in python_files("harness") if dotted(path) not in readers]
    assert not broken(on_trees(lambda tree: imports_of(tree, CLOCKS)), others)
    store = PACKAGE / "records/store.py"  # a run is named by the date
    assert not imports_of(parsed(store), CLOCKS - {"datetime"})


def test_rooms_that_compute_start_no_processes():
    assert not broken(on_trees(lambda tree: imports_of(tree, PROCESSES)), in_rooms(*PURE))


def test_only_the_command_line_knows_click():
    others = [path for path in python_files("harness") if layer(dotted(path)) != "commands"]
    assert not broken(on_trees(lambda tree: imports_of(tree, {"click"})), others)


def test_a_module_can_be_read_at_a_sitting():
    def rule(path: Path) -> list[str]:
        limit = ARRAY_TYPE_LINES if path.name in ARRAY_TYPES else MODULE_LINES
        lines = code_lines(parsed(path), source(path))
        return long_functions(parsed(path), source(path)) + [f"{lines} lines"] * (lines > limit)

    assert not broken(rule, python_files("harness"))


def test_no_two_modules_share_a_stem_without_need():
    """Commands have the names of what they call; adapters and answers those of their frameworks."""
    stems: dict[str, list[str]] = {}
    for path in python_files("harness"):
        needed = path.stem in ("__init__", "__main__") or layer(dotted(path)) == "commands"
        if not needed and framework_of(path) is None:
            stems.setdefault(path.stem, []).append(dotted(path))
    assert not {stem: names for stem, names in stems.items() if len(names) > 1}


# -- the implementations -------------------------------------------------------------------------------

RUNGS = [path for path in python_files("impls") if path.name != "spec.py"]
SPECS = [path for path in python_files("impls") if path.name == "spec.py"]


def test_an_implementation_imports_its_framework_and_one_sibling():
    def rule(path: Path) -> list[str]:
        framework, tree = path.stem.split("_")[0], parsed(path)
        others = siblings(tree)[1:]
        return foreign_imports(tree, {framework, *ARRAYS.get(framework, ()), *PLAIN}) + others

    assert not broken(rule, RUNGS)


def test_an_implementation_only_computes():
    assert not broken(on_trees(forbidden_acts), RUNGS)


def test_an_implementation_is_one_page():
    def rule(path: Path) -> list[str]:
        lines = code_lines(parsed(path), source(path))
        limit = BY_HAND_LINES if path.stem.endswith("_manual") else RUNG_LINES
        return [f"{lines} lines"] * (lines > limit)

    assert not broken(rule, RUNGS)


def test_a_spec_needs_numpy_at_most():
    allowed = {f"samestep.spec.{name}" for name in ("Case", "Inputs", "Spec", "Task")}

    def rule(path: Path) -> list[str]:
        names = {name for _, name in imports(parsed(path)) if top(name) == "samestep"}
        return foreign_imports(parsed(path), {"samestep", "numpy", *PLAIN}) + sorted(names - allowed)

    assert not broken(rule, SPECS)


# -- tests ---------------------------------------------------------------------------------------------


def imported_tests(tree: ast.AST) -> list[str]:
    """Test modules that a test imports: what they share lies in tests/made or beside them."""
    return [f"line {line}: {name}" for line, name in imports(tree, "tests") if ".test_" in f".{name}"]


def test_no_test_module_imports_another():
    assert not broken(on_trees(imported_tests), python_files("tests"))


# -- tolerances ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["harness", "impls", "tests"])
def test_no_tolerance_is_set_by_hand(folder):
    # What other projects do is quoted in one place, to be compared with.
    own = [path for path in python_files(folder) if path.name != "usual_checks.py"]
    assert not broken(on_trees(tolerances), own)


def test_the_constants_of_agreement_stand_in_limits():
    others = [path for path in in_rooms("agreement") if path.name != "limits.py"]
    assert not broken(on_trees(lambda tree: tolerances(tree, sharp=True)), others)


# -- the twins: what each rule must see ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("catalog.catalog", "from samestep.workers import launcher"),
        ("catalog.catalog", "import samestep.workers.server"),
        ("agreement.examination.stages", "from samestep.measure.clock import now"),
        ("agreement.examination.stages", "from samestep import measure"),
        ("agreement.verdict", "from samestep.agreement.arithmetic.bound import Bound"),
        ("records.schema", "from samestep.analysis.summary import summarize"),
        ("analysis.summary", "from samestep.report import tables"),
        ("report.tables", "from samestep.jobs.bench import bench"),
        ("workers.launcher", "from samestep.workers.server import Server"),
        ("workers.launcher", "def start():\n    from samestep.workers.server import Server"),
        ("jobs.rounds", "from samestep.commands.options import emit"),
        ("data.find", "from ..catalog import catalog"),
        ("frameworks.torch", "from samestep.spec import Spec"),
        ("spec", "from samestep.errors import SamestepError"),
    ],
)
def test_an_import_upwards_is_seen(module, code):
    assert upward_imports(ast.parse(code), module)


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("data.find", "from . import sets\nfrom .errors import DataError"),
        ("agreement.examination.stages",
         "from samestep.spec import Spec\nfrom samestep.agreement.verdict import AGREE\nimport numpy"),
        ("catalog.catalog", "import ast\nfrom samestep.errors import SamestepError"),
        ("jobs.rounds", "from samestep.workers.protocol import Open"),
    ],
)  # fmt: skip
def test_an_import_downwards_passes(module, code):
    assert not upward_imports(ast.parse(code), module)


def test_a_module_without_a_place_is_seen():
    assert layer("telemetry") == ""
    assert layer("report.page.render") == "report"


@pytest.mark.parametrize(
    ("path", "framework"),
    [
        ("frameworks/torch.py", "torch"),
        ("conventions/gradients/torch.py", "torch"),
        ("conventions/ask.py", None),
        ("conventions/torch.py", None),
        ("report/torch.py", None),
        ("api.py", None),
    ],
)
def test_only_adapters_and_answers_have_a_framework(path, framework):
    assert framework_of(PACKAGE / path) == framework


PLANTED = [
    (lambda tree: framework_imports(tree, None), "import torch.nn as nn"),
    (lambda tree: framework_imports(tree, None), "def f():\n    from jax import numpy"),
    (lambda tree: framework_imports(tree, "jax"), "import tensorflow"),
    (lambda tree: foreign_imports(tree, {"torch"}), "import numpy as np"),
    (lambda tree: foreign_imports(tree, {"torch"}), "import torch, os"),
    (lambda tree: foreign_imports(tree, {"torch"}), "from samestep.spec import Spec"),
    (lambda tree: foreign_imports(tree, {"torch"}), "from ...spec import Spec"),
    (forbidden_acts, "def forward(state, x):\n    print(x)"),
    (forbidden_acts, "loss = float(loss)"),
    (forbidden_acts, "loss = loss.item()"),
    (forbidden_acts, "torch.manual_seed(0)"),
    (lambda tree: imports_of(tree, CLOCKS), "from time import perf_counter"),
    (lambda tree: imports_of(tree, PROCESSES), "import concurrent.futures"),
    (imported_tests, "from tests.analysis.test_ratios import key"),
    (imported_tests, "from tests.analysis import test_ratios"),
    (tolerances, "assert np.allclose(a, b)"),
    (tolerances, "assert a == pytest.approx(b)"),
    (tolerances, "from math import isclose"),
    (tolerances, "compare(a, b, rtol=0)"),
    (tolerances, "def compare(a, b, atol): ..."),
    (tolerances, "assert abs(a - b) < 1e-5"),
    (tolerances, "assert abs(a - b) < 10 * 1e-5 * abs(b)"),
    (lambda tree: tolerances(tree, sharp=True), "SLACK = 1e-6"),
]


@pytest.mark.parametrize(("rule", "code"), PLANTED)
def test_a_violation_is_seen(rule, code):
    assert len(rule(ast.parse(code))) == 1


@pytest.mark.parametrize(
    "code",
    ["rate = 1e-6 * 60", "SPEC = Case(numbers={'eps': 1e-8})", "assert ratio < 0.5", "'rtol'", "a < 1e3"],
)
def test_what_is_not_a_tolerance_passes(code):
    assert not tolerances(ast.parse(code))


def test_siblings_are_counted():
    code = "from . import numpy_manual as m\nfrom .torch_nn import a, b\nfrom .spec import SPEC\nimport torch"
    assert siblings(ast.parse(code)) == ["numpy_manual", "torch_nn"]


def test_lines_of_code_are_counted():
    long = "def f():\n" + '    """One.\n\n    Two.\n    """\n\n    # why\n' + "    x = 1\n" * FUNCTION_LINES
    assert code_lines(ast.parse(long), long) == FUNCTION_LINES + 1
    assert long_functions(ast.parse(long), long) == [f"line 1: f has {FUNCTION_LINES + 1} lines"]


def test_a_broken_rule_names_the_file():
    path = PACKAGE / "errors.py"
    assert broken(lambda path: ["line 1: planted"], [path]) == {
        "harness/samestep/errors.py": ["line 1: planted"]
    }
    with pytest.raises(AssertionError, match="no file was read"):
        broken(lambda path: [], [])


def test_implementations_take_nothing_of_the_standard_library_that_acts():
    assert set(sys.stdlib_module_names) >= PLAIN
    assert not PLAIN & (CLOCKS | PROCESSES | {"os", "sys", "io", "random", "pathlib", "logging"})
