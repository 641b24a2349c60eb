"""From what the user typed to cells: ``workload[:case][/implementation]``, globs in each part.

A case part ``tutorial[batch=64]`` is not a glob: it is that case with that size. ``--sweep`` puts such cases
in the place of each, and ``--shard`` takes a part of the cells.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.ladder import Implementation
from samestep.catalog.roots import written
from samestep.catalog.spec_calls import raised
from samestep.errors import SamestepError
from samestep.nearest_name import did_you_mean
from samestep.spec import name_with_size, parse_case

C = TypeVar("C", bound=Cell)

#: A whole number from 1 on; with more digits it does not count anything real.
NUMBER = "[1-9][0-9]{0,17}"


@dataclass(frozen=True)
class Selector:
    """A selector in its parts; ``case`` is None where it names none: then the default cases are meant."""

    workload: str
    case: str | None
    implementation: str

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read a selector. Raises SamestepError for what is not a valid one."""
        head, slash, implementation = text.partition("/")
        workload, colon, case = head.partition(":")
        if not workload or (slash and not implementation) or (colon and not case):
            raise SamestepError(f"{text!r} is not a valid selector: write workload[:case][/implementation]")
        return cls(workload, case if colon else None, implementation or "*")

    @property
    def sized(self) -> bool:
        """Return whether the case part gives a case other sizes."""
        return re.fullmatch(r"[^][]+\[[^][]*=[^][]*\]", self.case or "") is not None

    @property
    def several(self) -> bool:
        """Return whether the workload is a glob: what one workload lacks, another may have."""
        return any(c in self.workload for c in "*?[")

    def names(self, rung: Implementation) -> bool:
        """Return whether the user wrote the rung's name or its framework's (torch_*), not a glob over all."""
        return self.implementation == rung.name or self.implementation.startswith(rung.framework)


def select(
    catalog: Catalog, selectors: Sequence[str], options: Options, file: Path | None = None
) -> list[Cell]:
    """Return the cells that the selectors mean, in the catalog's order, each once.

    What cannot be used is left out, see `Catalog.left_out`. Raises SamestepError where a selector is not
    valid, or matches nothing that can be used.
    """
    parsed = [Selector.parse(text) for text in selectors] or [Selector("*", None, "*")]
    cells: dict[str, Cell] = {}
    for selector, text in zip(parsed, list(selectors) or ["*"], strict=True):
        workloads = _matching(selector.workload, catalog.workloads, "workload", text)
        if file is not None and len(workloads) > 1:
            raise SamestepError(f"{text!r}: {file} implements one workload, of {', '.join(workloads)}")
        usable = [workload for workload in workloads if catalog.usable(workload)]
        for workload in usable:
            cases = _cases(catalog, workload, selector, usable, text)
            # The models of a port file have dtypes of their own.
            own = replace(options, dtypes=("float32",)) if catalog.is_port(workload) else options
            for case in _swept(catalog, workload, cases, options.sweep):
                for rung in _rungs(catalog, workload, selector, usable, text, file):
                    named = file is not None or selector.names(rung)
                    for cell in _crossed(rung, case, own, file, named):
                        if named or cell.key not in cells:
                            cells[cell.key] = cell
    if not cells and catalog.left_out:
        raise next(iter(catalog.left_out.values()))
    if not cells:
        raise SamestepError(f"{' '.join(selectors)}: no workload has both that case and that implementation")
    ordered = _in_order(catalog, cells.values())
    return ordered if options.shard is None else shard(catalog, ordered, options.shard)


def _in_order(catalog: Catalog, cells: Collection[Cell]) -> list[Cell]:
    """Return the cells in the catalog's order: of workloads, cases, sizes and implementations."""
    workloads = {cell.workload for cell in cells}
    rank = {(w, r.name): i for w in workloads for i, r in enumerate(catalog.implementations(w))}
    cases = {(w, c): i for w in workloads for i, c in enumerate(catalog.spec(w).cases)}

    def place(cell: Cell) -> tuple[object, ...]:
        base, sizes = parse_case(cell.case)
        rung = rank.get((cell.workload, cell.implementation), 0)
        return cell.workload, cases[cell.workload, base], sizes, rung

    return sorted(cells, key=place)


def comparison_groups(catalog: Catalog, cells: Sequence[C]) -> list[list[C]]:
    """Return the cells that are compared with each other, together; the baseline is the first.

    That is the spec's, on the CPU if it is there: devices stand side by side, and it is the GPU's too. Of
    releases the first is the baseline, for each implementation.
    """
    found: dict[tuple[str, ...], list[C]] = {}
    for cell in cells:
        own = (cell.implementation,) if cell.release else ()
        found.setdefault((cell.workload, cell.case, cell.dtype, cell.matmul, *own), []).append(cell)
    for peers in found.values():
        wanted = catalog.spec(peers[0].workload).baseline
        peers.sort(key=lambda cell: (cell.implementation != wanted, cell.aa_copy, cell.device != "cpu"))
    return list(found.values())


def with_aa_copies(catalog: Catalog, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells, and beside every baseline its A/A copy."""
    copies = {first: replace(first, aa_copy=True) for first, *_ in comparison_groups(catalog, cells)}
    return [one for cell in cells for one in (cell, copies.get(cell)) if one is not None]


def shard(catalog: Catalog, cells: Sequence[Cell], text: str) -> list[Cell]:
    """Return the ``I/N`` part of the cells: dealt out in turn, each with the baseline of its group.

    Raises SamestepError where the text is not valid, or the part is empty.
    """
    part = re.fullmatch(f"({NUMBER})/({NUMBER})", text)
    if not part:
        raise SamestepError(f"--shard {text}: write I/N, the I-th of N parts, as in 2/5")
    if int(part[1]) > int(part[2]):
        raise SamestepError(f"--shard {text}: of {part[2]} parts the last is {part[2]}/{part[2]}")
    pairs = [
        (first, cell) for first, *others in comparison_groups(catalog, cells) for cell in others or [first]
    ]
    dealt = pairs[int(part[1]) - 1 :: int(part[2])]
    if not dealt:
        raise SamestepError(f"--shard {text} is empty: the cells to deal out are {len(pairs)}")
    kept = {cell for pair in dealt for cell in pair}
    return [cell for cell in cells if cell in kept]


def sweep_sizes(text: str) -> tuple[str, list[int]]:
    """Return the size and its numbers: ``batch=8:100`` -> ("batch", [8, 32, 100]), both ends included.

    Raises SamestepError where the text is not valid.
    """
    series = re.fullmatch(f"([^][=,]+)=({NUMBER}):({NUMBER})(?::({NUMBER}))?", text)
    listed = re.fullmatch(f"([^][=,]+)=({NUMBER}(?:,{NUMBER})*)", text)
    if listed:
        return listed[1], sorted({int(number) for number in listed[2].split(",")})
    if not series:
        raise SamestepError(
            f"--sweep {text}: write SIZE=FROM:TO, SIZE=FROM:TO:FACTOR or SIZE=1,8,64, with whole numbers"
        )
    number, last, factor = int(series[2]), int(series[3]), int(series[4] or 4)
    if number > last:
        raise SamestepError(f"--sweep {text}: {number} is above {last}; write {series[1]}={last}:{number}")
    if factor < 2:
        raise SamestepError(
            f"--sweep {text}: sizes that grow by a factor of 1 stay the same; write 2 or more"
        )
    sizes = []
    while number < last:
        sizes.append(number)
        number *= factor
    return series[1], [*sizes, last]


def _swept(catalog: Catalog, workload: str, cases: list[str], sweep: str | None) -> list[str]:
    """Return each case at each size of the sweep; without one the cases as they are."""
    if sweep is None:
        return cases
    size, numbers = sweep_sizes(sweep)
    return [
        _existing(catalog, workload, name_with_size(case, size, number), f"--sweep {sweep}")
        for case in cases
        for number in numbers
    ]


def _existing(catalog: Catalog, workload: str, case: str, asked: str) -> str:
    try:
        catalog.spec(workload).case(case)
    except ValueError as error:
        raise SamestepError(f"{asked}: {workload}:{error}") from error
    except Exception as error:
        place = written(catalog.specification(workload))
        raise SamestepError(f"{place}: scaled at the sizes of {case} {raised(error)}") from error
    return case


def _cases(
    catalog: Catalog, workload: str, selector: Selector, usable: Sequence[str], text: str
) -> list[str]:
    cases = catalog.spec(workload).cases
    if selector.case is None:
        return [name for name, case in cases.items() if case.default]
    base = selector.case.partition("[")[0] if selector.sized else selector.case
    if selector.several:  # another workload may have it
        everywhere = tuple(dict.fromkeys(name for w in usable for name in catalog.spec(w).cases))
        _matching(base, everywhere, "case", text)
        if not any(fnmatchcase(name, base) for name in cases):
            return []
    if selector.sized:
        return [_existing(catalog, workload, selector.case, repr(text))]
    return _matching(selector.case, tuple(cases), f"case of {workload}", text)


def _rungs(
    catalog: Catalog,
    workload: str,
    selector: Selector,
    usable: Sequence[str],
    text: str,
    file: Path | None,
) -> list[Implementation]:
    if file is not None:
        rung = catalog.describe(workload, file)
        if not catalog.tasks(rung):
            raise SamestepError(f"{file} has no task of {workload}: {_needed(catalog, workload, rung)}")
        return [rung]
    unreadable = catalog.unreadable(workload)
    for name in unreadable:
        if fnmatchcase(name, selector.implementation):
            catalog.left_out[f"{workload}/{name}"] = unreadable[name]
    rungs = catalog.implementations(workload)
    names = (*(rung.name for rung in rungs), *unreadable)
    if selector.several and not any(fnmatchcase(name, selector.implementation) for name in names):
        everywhere = tuple(dict.fromkeys(r.name for w in usable for r in catalog.implementations(w)))
        _matching(selector.implementation, everywhere, "implementation", text)
        return []  # another workload has it
    wanted = _matching(selector.implementation, names, f"implementation of {workload}", text)
    return [rung for rung in rungs if rung.name in wanted]


def _needed(catalog: Catalog, workload: str, rung: Implementation) -> str:
    tasks = ", ".join(catalog.spec(workload).tasks)
    if rung.by_star:
        return f"what a star imports is not known until a file runs, so import by name what it has of {tasks}"
    return f"it needs one or more of {tasks}"


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
        hint = did_you_mean(pattern, names)
        raise SamestepError(f"{text!r}: no {what} matches {pattern!r}; there are {', '.join(names)}{hint}")
    return found
