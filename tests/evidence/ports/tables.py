"""A table of evidence as a Markdown file, with the versions that made it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import machine, python_version

from tests.made.places import CHECKOUT

PACKAGES = (
    "numpy",
    "torch",
    "jax",
    "flax",
    "equinox",
    "optax",
    "keras",
    "tensorflow-cpu",
    "transformers",
    "timm",
)


def write_table(file: Path, title: str, intro: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a heading, the intro, the versions and the rows, which have the same columns."""
    columns = list(rows[0]) if rows else []
    lines = [f"# {title}", "", intro, "", versions(), ""]
    lines += [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(str(row[column]) for column in columns)} |" for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def versions() -> str:
    """Return what made the table: samestep's commit, Python, processor architecture, versions of packages."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True
    )
    found = [f"samestep at commit {commit.stdout.strip() or 'unknown'}"]
    found.append(f"Python {python_version()} on {machine()}")
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return "Made with " + ", ".join(found) + "."
