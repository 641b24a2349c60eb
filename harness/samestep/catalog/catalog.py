"""Finds workloads and implementations by file name. Nothing is imported until it is asked for.

A root is a folder of workload folders: ``<root>/<workload>/spec.py`` and ``<framework>_<idea>.py``
beside it. ``impls`` is the first root; further ones (``--impls DIR``) add workloads of their own, rungs
to a workload that is there already, and adapters in ``<root>/frameworks/``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType

from samestep import impls
from samestep.catalog.facts_cache import cached_facts
from samestep.catalog.source_facts import SourceFacts, source_facts
from samestep.errors import SamestepError
from samestep.spec import Spec

IMPLS = Path(impls.__path__[-1])
ADAPTERS = Path(__file__).resolve().parents[1] / "frameworks"
REFERENCE = "numpy_manual"


@dataclass(frozen=True)
class Implementation:
    """One file of a workload's folder.

    ``bound`` are the names that its top level binds; ``read_after`` is the implementation that a reader knows
    before, None of the first.
    """

    workload: str
    name: str
    path: Path
    framework: str
    bound: frozenset[str]
    read_after: str | None

    def __str__(self) -> str:
        return f"{self.workload}/{self.name}"


class Catalog:
    """The contents of the roots: samestep's own workloads, and further folders of the user's.

    Raises SamestepError where a root is not a folder.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self.roots = (IMPLS, *(Path(root).resolve() for root in roots))
        for root in self.roots:
            if not root.is_dir():
                raise SamestepError(f"{root} is not a folder of workloads")

    @cached_property
    def adapters(self) -> dict[str, Path]:
        """The file of each framework's adapter."""
        folders = [ADAPTERS, *(root / "frameworks" for root in self.roots)]
        return {path.stem: path for folder in folders for path in _modules(folder)}

    @cached_property
    def workloads(self) -> tuple[str, ...]:
        return tuple(sorted({p.parent.name for root in self.roots for p in root.glob("*/spec.py")}))

    def specification(self, workload: str) -> Path:
        """Return the file of a workload's spec."""
        return next(path for root in self.roots if (path := root / workload / "spec.py").is_file())

    @cache  # noqa: B019 (a catalog lives as long as its process)
    def spec(self, workload: str) -> Spec:
        """Return the spec of a workload. Raises SamestepError where its file defines none."""
        path = self.specification(workload)
        spec = getattr(self._import(path, workload), "SPEC", None)
        if not isinstance(spec, Spec):
            raise SamestepError(f"{path} defines no SPEC (a samestep.spec.Spec)")
        return spec

    @cache  # noqa: B019
    def implementations(self, workload: str) -> tuple[Implementation, ...]:
        """Return all implementations of a workload, each after the one it is read after."""
        found: dict[Path, SourceFacts] = {}
        for root in self.roots:
            paths = [path for path in _modules(root / workload) if path.stem != "spec"]
            found |= cached_facts(root / workload, paths) if root == IMPLS else _facts_of(paths)
        return tuple(_as_ladder([self._described(workload, path, facts) for path, facts in found.items()]))

    def implementation(self, workload: str, name: str, file: Path | None = None) -> Implementation:
        """Return an implementation by its name, or that of a file; SamestepError where there is none."""
        if file is not None:
            return self.describe(workload, file)
        found = next((rung for rung in self.implementations(workload) if rung.name == name), None)
        if found is None:
            raise SamestepError(f"{workload}/{name} is gone: impls has no such file now")
        return found

    def describe(self, workload: str, path: Path) -> Implementation:
        """Return what a file says of itself, read without running it."""
        return self._described(workload, path, source_facts(path))

    def _described(self, workload: str, path: Path, facts: SourceFacts) -> Implementation:
        return Implementation(
            workload=workload,
            name=path.stem,
            path=path,
            framework=self._framework(path.stem, facts),
            bound=frozenset(facts.bound),
            read_after=facts.text("READ_AFTER"),
        )

    def tasks(self, implementation: Implementation) -> tuple[str, ...]:
        """Return the tasks of the spec that an implementation offers."""
        return tuple(t for t in self.spec(implementation.workload).tasks if t in implementation.bound)

    def load(self, implementation: Implementation) -> ModuleType:
        """Import an implementation, and its framework with it."""
        return self._import(implementation.path, implementation.workload)

    def load_adapter(self, framework: str) -> ModuleType:
        """Import the adapter of a framework. Raises SamestepError where there is none."""
        path = self.adapters.get(framework)
        if path is None:
            raise SamestepError(f"no adapter for {framework!r}; there are {', '.join(sorted(self.adapters))}")
        if path.parent == ADAPTERS:
            return importlib.import_module(f"samestep.frameworks.{framework}")
        return _import_file(path, f"samestep.frameworks.{framework}")

    def missing(self, framework: str) -> str | None:
        """Return why a framework cannot be used here, with the pip line that installs it; None if it can."""
        if framework not in self.adapters:
            return f"no adapter: write frameworks/{framework}.py"
        for name in (framework, *self._constant(framework, "REQUIRES")):
            if importlib.util.find_spec(name) is None:
                return f"{name} is not installed: python -m pip install {self.distributions(name)[0]}"
        return None

    def distributions(self, framework: str) -> tuple[str, ...]:
        """Return the names that pip knows a framework by."""
        return self._constant(framework, "DISTRIBUTIONS") or (framework,)

    def _constant(self, framework: str, name: str) -> tuple[str, ...]:
        """Return the texts of a constant of the adapter, read without running it; () where there is none."""
        return self._adapter_facts[self.adapters[framework]].texts(name)

    @cached_property
    def _adapter_facts(self) -> dict[Path, SourceFacts]:
        mine = [path for path in self.adapters.values() if path.parent == ADAPTERS]
        others = [path for path in self.adapters.values() if path not in mine]
        return cached_facts(ADAPTERS, mine) | _facts_of(others)

    def version(self, framework: str) -> str | None:
        """Return the installed version, from package metadata: the framework is not imported."""
        for distribution in self.distributions(framework):
            try:
                return importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                continue
        return None

    def _framework(self, stem: str, facts: SourceFacts) -> str:
        prefix = stem.split("_")[0]
        if prefix in self.adapters:
            return prefix
        # A file of the user's own need not follow the naming: its imports tell.
        imported = [name for name in facts.imported if name in self.adapters]
        others = [name for name in imported if name != "numpy"] or imported
        return others[0] if others else prefix

    def _import(self, path: Path, workload: str) -> ModuleType:
        """Import a file as part of its workload's package, so that it can import its siblings."""
        for root in self.roots:
            if path.parent == root / workload:
                package = _package(root)
                return importlib.import_module(f"{package}.{workload}.{path.stem}")
        # A file given by hand stands in for a sibling, under a name that no sibling has.
        return _import_file(path, f"{_package(IMPLS)}.{workload}.{path.stem}__file")


def _package(root: Path) -> str:
    """Return the package that a root is imported as; made up for all roots but the first."""
    if root == IMPLS:
        return impls.__name__
    name = "impls_" + "".join(c if c.isalnum() else "_" for c in str(root))
    if name not in sys.modules:
        package = types.ModuleType(name)
        package.__path__ = [str(root), str(IMPLS)]  # a rung finds the siblings that it adds to
        sys.modules[name] = package
    return name


def _import_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SamestepError(f"{path} cannot be imported: a Python file ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if not path.stem.startswith("_"))


def _facts_of(paths: Iterable[Path]) -> dict[Path, SourceFacts]:
    """Return the facts of files of the user's own: they are few, and nobody would clear a cache of them."""
    return {path: source_facts(path) for path in paths}


def _as_ladder(rungs: list[Implementation]) -> Iterator[Implementation]:
    """Depth first from the reference: frameworks in the order numpy, torch, tensorflow, jax, others."""
    order = {"numpy": 0, "sympy": 1, "torch": 2, "tensorflow": 3, "jax": 4}
    rungs = sorted(rungs, key=lambda r: (order.get(r.framework, 9), r.framework, r.name))
    names = {rung.name for rung in rungs}

    def climb(after: str | None, framework: str) -> Iterator[Implementation]:
        for rung in rungs:
            parent = rung.read_after if rung.read_after in names - {rung.name} else None
            if parent == after and rung.framework == framework:
                yield rung
                yield from climb(rung.name, framework)

    placed: set[str] = set()
    for framework in dict.fromkeys(rung.framework for rung in rungs):
        firsts = [r for r in rungs if r.framework == framework and _enters(r, rungs)]
        for first in firsts:
            for rung in (first, *climb(first.name, framework)):
                if rung.name not in placed:
                    placed.add(rung.name)
                    yield rung
    yield from (rung for rung in rungs if rung.name not in placed)  # a loop in READ_AFTER hides none


def _enters(rung: Implementation, rungs: list[Implementation]) -> bool:
    """Return whether the rung is its framework's first: the one that it is read after is of another."""
    parent = next((other for other in rungs if other.name == rung.read_after), None)
    return parent is None or parent.framework != rung.framework
