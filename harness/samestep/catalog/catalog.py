"""Finds workloads and implementations by file name. Nothing is imported until it is asked for.

A root is a folder of workload folders: ``<root>/<workload>/spec.py`` and ``<framework>_<idea>.py``
beside it. ``impls`` is the first root; further ones (``--impls DIR``) add workloads of their own, rungs
to a workload that is there already or in the place of one, and adapters in ``<root>/frameworks/``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType

from samestep import impls
from samestep.catalog.facts_cache import cached_facts
from samestep.catalog.importing import import_file, package_of
from samestep.catalog.ladder import Implementation, as_ladder
from samestep.catalog.roots import ADAPTERS, IMPLS, REFERENCE, WORKLOAD_NAME, Roots, modules, written
from samestep.catalog.source_facts import SourceFacts, source_facts
from samestep.catalog.spec_fields import unknown
from samestep.catalog.spec_file import read_spec
from samestep.errors import SamestepError
from samestep.nearest_name import did_you_mean
from samestep.spec import Spec


class Catalog:
    """The contents of the roots: samestep's own workloads, and further folders of the user's.

    ``left_out`` are workloads (``net``) and implementations (``net/torch_mine``) that were selected and
    cannot be used, each with what is wrong with its file.

    Raises SamestepError where a root is not a folder, or holds nothing.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self.roots = Roots(roots)
        self.left_out: dict[str, SamestepError] = {}
        self._unreadable: dict[str, dict[str, SamestepError]] = {}

    @cached_property
    def adapters(self) -> dict[str, Path]:
        """The file of each framework's adapter."""
        folders = [ADAPTERS, *(root / "frameworks" for root in self.roots.all)]
        return {path.stem: path for folder in folders for path in modules(folder)}

    # -- workloads -------------------------------------------------------------------------------------

    @cached_property
    def workloads(self) -> tuple[str, ...]:
        return tuple(sorted({name for root in self.roots.all for name in self.roots.workloads_of(root)}))

    @cached_property
    def of_own_folders(self) -> tuple[str, ...]:
        """The workloads that the user's folders have or add to."""
        return tuple(sorted({name for root in self.roots.own for name in self.roots.workloads_of(root)}))

    def is_port(self, workload: str) -> bool:
        """Return whether a workload is a port file, whose models are compared with each other."""
        return False

    def judged_in(self, workload: str) -> tuple[str, ...]:
        """Return the framework of a port file's reference; none of another workload, which NumPy judges."""
        return ()

    def takes_weights(self, workload: str, implementation: str) -> bool:
        """Return whether an implementation is made with the weights of its port file's reference."""
        return False

    def is_built_in(self, workload: str) -> bool:
        """Return whether a workload's spec is samestep's own."""
        return self.specification(workload).parent.parent == IMPLS

    def specification(self, workload: str) -> Path:
        """Return the file of a workload's spec. Raises SamestepError where there is none, or another one."""
        found = self.roots.specifications(workload)
        if not found:
            folder, *_ = self.roots.folders(workload)
            hint = did_you_mean(workload, self.workloads_with_spec)
            raise SamestepError(f"{written(folder)} has no spec.py, and no workload has its name{hint}")
        for other in found[1:]:
            if other.read_bytes() != found[0].read_bytes():
                whose = "is samestep's own" if found[0].parent.parent == IMPLS else f"is {written(found[0])}"
                raise SamestepError(
                    f"{written(other)}: {workload} has a spec already, which {whose}: rename the folder"
                )
        return found[0]

    @property
    def workloads_with_spec(self) -> list[str]:
        return [name for name in self.workloads if self.roots.specifications(name)]

    @cache  # noqa: B019 (a catalog lives as long as its process)
    def spec(self, workload: str) -> Spec:
        """Return the spec of a workload. Raises SamestepError, in one line, for whatever is wrong with it."""
        path = self.specification(workload)
        if not WORKLOAD_NAME.fullmatch(workload):
            raise SamestepError(f"{written(path.parent)}: rename the folder to letters, digits, _ and -")
        return read_spec(path, lambda: self._import(path, workload))

    def read_again(self, workload: str) -> Spec:
        """Return the spec of a workload from another run of its file."""
        path = self.specification(workload)
        return read_spec(path, lambda: import_file(path, f"{self._package(path, workload)}.spec__again"))

    def usable(self, workload: str) -> bool:
        """Return whether a workload can be used; what is wrong with one that cannot goes to `left_out`."""
        if workload not in self.left_out:
            try:
                self._check(workload)
            except SamestepError as error:
                self.left_out[workload] = error
        return workload not in self.left_out

    def _check(self, workload: str) -> None:
        spec, path = self.spec(workload), self.specification(workload)
        names = [rung.name for rung in self.implementations(workload)]
        if error := self._unreadable[workload].get(REFERENCE):
            raise error
        if REFERENCE not in names:
            raise SamestepError(f"{written(path.parent)} has no {REFERENCE}.py, which judges the others")
        if spec.baseline not in names:
            wrong = unknown("baseline", spec.baseline, "an implementation", names)
            raise SamestepError(f"{written(path)}: {wrong}")

    # -- implementations -------------------------------------------------------------------------------

    @cache  # noqa: B019
    def implementations(self, workload: str) -> tuple[Implementation, ...]:
        """Return all implementations of a workload, each after the one it is read after.

        One that is not Python is left out; `unreadable` has its error.
        """
        found: dict[str, Implementation] = {}
        self._unreadable[workload] = {}
        for folder in reversed(self.roots.folders(workload)):
            paths = [path for path in modules(folder) if path.stem != "spec"]
            known = cached_facts(folder, paths) if folder.parent == IMPLS else {}
            for path in paths:
                try:
                    facts = known.get(path) or source_facts(path)
                except SamestepError as error:
                    self._unreadable[workload][path.stem] = error
                    found.pop(path.stem, None)
                    continue
                before = found.get(path.stem)
                found[path.stem] = self._described(workload, path, facts, before.path if before else None)
        return tuple(as_ladder(list(found.values())))

    def unreadable(self, workload: str) -> dict[str, SamestepError]:
        """Return the files of a workload that are not Python, by name, each with what is wrong."""
        self.implementations(workload)
        return self._unreadable[workload]

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

    def _described(
        self, workload: str, path: Path, facts: SourceFacts, replaces: Path | None = None
    ) -> Implementation:
        framework = self._framework(path.stem, facts)
        return Implementation(
            workload=workload,
            name=path.stem,
            path=path,
            framework=framework,
            bound=frozenset(facts.bound),
            read_after=facts.text("READ_AFTER"),
            replaces=replaces,
            imported=framework != path.stem.split("_")[0],
        )

    def tasks(self, implementation: Implementation) -> tuple[str, ...]:
        """Return the tasks of the spec that an implementation offers."""
        return tuple(t for t in self.spec(implementation.workload).tasks if t in implementation.bound)

    def load(self, implementation: Implementation, weights: Path | None = None, seed: int = 0) -> ModuleType:
        """Import an implementation, and its framework with it; a side of a port file may need ``weights``,
        and inputs of the ``seed``."""
        return self._import(implementation.path, implementation.workload)

    # -- frameworks ------------------------------------------------------------------------------------

    def load_adapter(self, framework: str) -> ModuleType:
        """Import the adapter of a framework. Raises SamestepError where there is none."""
        path = self.adapters.get(framework)
        if path is None:
            raise SamestepError(f"no adapter for {framework!r}; there are {', '.join(sorted(self.adapters))}")
        if path.parent == ADAPTERS:
            return importlib.import_module(f"samestep.frameworks.{framework}")
        return import_file(path, f"samestep.frameworks.{framework}")

    def missing(self, framework: str) -> str | None:
        """Return why a framework cannot be used here, with the pip line that installs it; None if it can."""
        if framework not in self.adapters:
            known = ", ".join(sorted(self.adapters))
            return f"no adapter: write frameworks/{framework}.py, or name the file after one of {known}"
        for name in self.modules(framework):
            if importlib.util.find_spec(name) is None:
                return f"{name} is not installed: python -m pip install {self.distributions(name)[0]}"
        return None

    def modules(self, framework: str) -> tuple[str, ...]:
        """Return the modules that a worker of a framework imports of others: NumPy, and the framework's."""
        return tuple(dict.fromkeys(("numpy", framework, *self._constant(framework, "REQUIRES"))))

    def distributions(self, framework: str) -> tuple[str, ...]:
        """Return the names that pip knows a framework by."""
        found = self._constant(framework, "DISTRIBUTIONS") if framework in self.adapters else ()
        return found or (framework,)

    def _constant(self, framework: str, name: str) -> tuple[str, ...]:
        """Return the texts of a constant of the adapter, read without running it; () where there is none."""
        return self._adapter_facts[self.adapters[framework]].texts(name)

    @cached_property
    def _adapter_facts(self) -> dict[Path, SourceFacts]:
        mine = [path for path in self.adapters.values() if path.parent == ADAPTERS]
        others = [path for path in self.adapters.values() if path not in mine]
        return cached_facts(ADAPTERS, mine) | {path: source_facts(path) for path in others}

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
        package = self._package(path, workload)
        if path.parent in self.roots.folders(workload):
            return importlib.import_module(f"{package}.{path.stem}")
        # A file given by hand has a name that no sibling has.
        return import_file(path, f"{package}.{path.stem}__file")

    def _package(self, path: Path, workload: str) -> str:
        """Return the package of a file: its siblings are those beside it, and then all of its workload's."""
        if path.parent == IMPLS / workload:
            return f"{impls.__name__}.{workload}"
        others = [folder for folder in self.roots.folders(workload) if folder != path.resolve().parent]
        return package_of([path.resolve().parent, *others], workload)
