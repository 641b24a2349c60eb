"""A workload's reference, a case's values, and rungs with a mistake planted in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from samestep import open_cell
from samestep.agreement.reference.run import Point, Reference
from samestep.catalog.catalog import REFERENCE, Catalog


def reference_of(catalog: Catalog, workload: str, dtype: str) -> Reference:
    """Return the reference of a workload, for candidates in a dtype."""
    module = catalog.load(catalog.implementation(workload, REFERENCE))
    return Reference(module, catalog.spec(workload), dtype)


def case_values(catalog: Catalog, workload: str, case: str, dtype: str, steps: int | None = None) -> Point:
    """Return the inputs of a case in a dtype; tasks of many steps are cut to ``steps``."""
    selector = f"{workload}:{case}/{REFERENCE}"
    candidate = open_cell(selector, dtype=dtype, roots=catalog.roots.own)
    arrays, numbers = dict(candidate.arrays), dict(candidate.numbers)
    for name in {task.steps for task in candidate.spec.tasks.values() if task.steps} if steps else ():
        if name in numbers:
            numbers[name] = steps
        else:
            arrays[name] = arrays[name][:steps]
    return Point(candidate.params, arrays, numbers)


def planted(folder: Path, source: Path, changes: Mapping[str, str]) -> Path:
    """Return a copy of a rung in ``folder`` with each ``old`` text replaced by its ``new`` one.

    Raises LookupError for an old text that is not there exactly once.
    """
    text = source.read_text(encoding="utf-8")
    for old, new in changes.items():
        count = text.count(old)
        if count != 1:
            raise LookupError(f"{source.name} has {old!r} {count} times: choose another text to replace")
        text = text.replace(old, new)
    copy = folder / source.name
    copy.write_text(text, encoding="utf-8")
    return copy
