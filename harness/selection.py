"""From what the user typed to cells: ``workload[:case][/implementation]``, globs in each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.catalog import Catalog, Implementation
from harness.errors import SamestepError


@dataclass(frozen=True)
class Cell:
    """One implementation of a workload at one case, dtype, device, matmul precision and thread count.

    ``named`` says that the user asked for this framework by name, so that its absence is a failure;
    ``twin`` that it is another cell over again: how far the two differ is noise.
    """

    workload: str
    case: str
    implementation: str
    framework: str
    dtype: str
    device: str
    matmul: str
    threads: int
    file: str | None = None
    named: bool = False
    twin: bool = False

    @property
    def key(self) -> str:
        parts = (f"{self.workload}:{self.case}", self.implementation, self.dtype, self.device, self.matmul,
                 f"{self.threads}t", *(["again"] if self.twin else []))  # fmt: skip
        return "/".join(parts)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Selector:
    workload: str
    case: str | None
    implementation: str

    @classmethod
    def parse(cls, text: str) -> Selector:
        head, slash, implementation = text.partition("/")
        workload, colon, case = head.partition(":")
        if not workload or (slash and not implementation) or (colon and not case):
            raise SamestepError(f"{text!r} is no selector: write workload[:case][/implementation]")
        return cls(workload, case if colon else None, implementation or "*")

    @property
    def several(self) -> bool:
        """Whether the workload is a glob: then what one workload has not, another may have."""
        return any(c in self.workload for c in "*?[")

    def names(self, rung: Implementation) -> bool:
        """Whether the user wrote the rung's name, or the framework's (torch_*), not just a glob over all."""
        return self.implementation == rung.name or self.implementation.startswith(rung.framework)


@dataclass(frozen=True)
class Options:
    """What every cell of a selection is crossed with."""

    dtypes: tuple[str, ...] = ("float32",)
    devices: tuple[str, ...] = ("cpu",)
    matmul: str = "float32"
    threads: int = 1


def select(
    catalog: Catalog, selectors: Sequence[str], options: Options, file: Path | None = None
) -> list[Cell]:
    """The cells that the selectors mean, in the catalog's order, each once."""
    parsed = [Selector.parse(text) for text in selectors] or [Selector("*", None, "*")]
    cells: dict[str, Cell] = {}
    for selector, text in zip(parsed, list(selectors) or ["*"], strict=True):
        workloads = _matching(selector.workload, catalog.workloads, "workload", text)
        if file is not None and len(workloads) > 1:
            raise SamestepError(f"{text!r}: {file} implements one workload, of {', '.join(workloads)}")
        for workload in workloads:
            for case in _cases(catalog, workload, selector, text):
                for rung in _rungs(catalog, workload, selector, text, file):
                    named = file is not None or selector.names(rung)
                    for cell in _crossed(rung, case, options, file, named):
                        if named or cell.key not in cells:
                            cells[cell.key] = cell
    if not cells:
        raise SamestepError(f"{' '.join(selectors)}: no workload has both that case and that implementation")
    rank = {(w, r.name): i for w in catalog.workloads for i, r in enumerate(catalog.implementations(w))}
    cases = {(w, c): i for w in catalog.workloads for i, c in enumerate(catalog.spec(w).cases)}
    return sorted(
        cells.values(),
        key=lambda c: (c.workload, cases[c.workload, c.case], rank.get((c.workload, c.implementation), 0)),
    )


def _cases(catalog: Catalog, workload: str, selector: Selector, text: str) -> list[str]:
    cases = catalog.spec(workload).cases
    if selector.case is None:
        return [name for name, case in cases.items() if case.default]
    if selector.several:  # another workload may have it
        everywhere = tuple(dict.fromkeys(name for w in catalog.workloads for name in catalog.spec(w).cases))
        _matching(selector.case, everywhere, "case", text)
        return [name for name in cases if fnmatchcase(name, selector.case)]
    return _matching(selector.case, tuple(cases), f"case of {workload}", text)


def _rungs(
    catalog: Catalog, workload: str, selector: Selector, text: str, file: Path | None
) -> list[Implementation]:
    if file is not None:
        rung = catalog.describe(workload, file)
        if not catalog.tasks(rung):
            tasks = ", ".join(catalog.spec(workload).tasks)
            raise SamestepError(f"{file} has no task of {workload}: it needs one or more of {tasks}")
        return [rung]
    rungs = catalog.implementations(workload)
    names = tuple(rung.name for rung in rungs)
    if selector.several and not any(fnmatchcase(name, selector.implementation) for name in names):
        everywhere = tuple(
            dict.fromkeys(r.name for w in catalog.workloads for r in catalog.implementations(w))
        )
        _matching(selector.implementation, everywhere, "implementation", text)
        return []  # another workload has it
    wanted = _matching(selector.implementation, names, f"implementation of {workload}", text)
    return [rung for rung in rungs if rung.name in wanted]


def _crossed(rung: Implementation, case: str, options: Options, file: Path | None, named: bool) -> list[Cell]:
    return [
        Cell(
            rung.workload, case, rung.name, rung.framework, dtype, device, options.matmul,
            options.threads, str(file.resolve()) if file else None, named,
        )
        for device in options.devices
        for dtype in options.dtypes
    ]  # fmt: skip


def _matching(pattern: str, names: Sequence[str], what: str, text: str) -> list[str]:
    found = [name for name in names if fnmatchcase(name, pattern)]
    if not found:
        raise SamestepError(f"{text!r}: no {what} matches {pattern!r}; there are {', '.join(names)}")
    return found
