"""Where the evidence lies, and what its pages have in common: a table of every value beside each page."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from samestep.catalog.catalog import Catalog
from samestep.measure.fingerprint import fingerprint
from tests.made.places import CHECKOUT

AGREEMENT, MEASURING = CHECKOUT / "results" / "agreement", CHECKOUT / "results" / "measuring"

FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax", "keras", "sklearn", "sympy", "onnxruntime")


def machine() -> str:
    """Return this machine's processor and the versions of the installed frameworks, in a line."""
    about, catalog = fingerprint(), Catalog()
    installed = [name for name in FRAMEWORKS if not catalog.missing(name)]
    versions = ", ".join(f"{name} {catalog.version(name)}" for name in installed)
    return f"{about.cpu} ({about.processors} processors; {versions})"


def write_page(out: Path, name: str, text: str) -> None:
    """Write ``<out>/<name>.md``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text(text.rstrip() + "\n", encoding="utf-8")


def write_csv(out: Path, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write ``<out>/<name>.csv``."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
