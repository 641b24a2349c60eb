"""The implementations of a workload in the order to read them: each after the one that it is read after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samestep.catalog.roots import IMPLS, REFERENCE, written

#: Frameworks in the order of reading; others follow.
ORDER = {"numpy": 0, "sympy": 1, "torch": 2, "tensorflow": 3, "jax": 4}


@dataclass(frozen=True)
class Implementation:
    """One file of a workload's folder.

    ``bound`` are the names that its top level binds; ``read_after`` is the implementation that a reader knows
    before, None of the first; ``replaces`` is the file of the same name that it stands in for; ``imported``
    says that its framework follows from its imports, as its name begins with none. ``lines`` are the first
    and the last line of a file that is not all its own; None where it is.
    """

    workload: str
    name: str
    path: Path
    framework: str
    bound: frozenset[str]
    read_after: str | None
    replaces: Path | None = None
    imported: bool = False
    lines: tuple[int, int] | None = None

    def __str__(self) -> str:
        return f"{self.workload}/{self.name}"

    @property
    def by_star(self) -> bool:
        """Whether its top level imports names by a star: which ones is not known until it runs."""
        return "*" in self.bound

    def text(self) -> str:
        """Return its code."""
        text = self.path.read_text(encoding="utf-8")
        if self.lines is None:
            return text
        first, last = self.lines
        return "\n".join([*text.split("\n")[first - 1 : last], ""])


def remarks(rung: Implementation) -> Iterator[str]:
    """Return what the user should know of a file: that it replaces another, that its name misleads, that not
    all of it is seen."""
    if rung.replaces:
        judge = " It is the reference, by which the others are judged." if rung.name == REFERENCE else ""
        before = "samestep's own" if rung.replaces.is_relative_to(IMPLS) else written(rung.replaces)
        yield f"{rung} is {written(rung.path)}, in the place of {before}.{judge}"
    if rung.imported:
        others = [part for part in rung.name.split("_") if part != rung.framework]
        name = "_".join([rung.framework, *others])
        yield f"{written(rung.path)} is taken for {rung.framework}, which it imports: rename it to {name}.py"
    if rung.by_star:
        yield f"{written(rung.path)} imports by a star: import its tasks by name, as others are not seen"


def as_ladder(rungs: list[Implementation]) -> Iterator[Implementation]:
    """Depth first from the reference: frameworks in the order numpy, torch, tensorflow, jax, others."""
    rungs = sorted(rungs, key=lambda r: (ORDER.get(r.framework, 9), r.framework, r.name))
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
