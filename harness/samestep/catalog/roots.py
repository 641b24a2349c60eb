"""Folders of workloads: samestep's own, and those of the user's, which must hold something."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from samestep import impls
from samestep.errors import SamestepError
from samestep.nearest_name import did_you_mean

IMPLS = Path(impls.__path__[-1])
ADAPTERS = Path(__file__).resolve().parents[1] / "frameworks"
REFERENCE = "numpy_manual"

#: A workload's name is that of a folder, and part of a module's.
WORKLOAD_NAME = re.compile(r"[A-Za-z0-9_-]+")


def modules(folder: Path) -> list[Path]:
    """Return the Python files of a folder that stand for something: helpers begin with an underscore."""
    return sorted(path for path in folder.glob("*.py") if not path.stem.startswith("_"))


def written(path: Path) -> str:
    """Return a path as the user would write it: from the working directory, where it lies below."""
    below = os.path.relpath(path)
    return str(path) if below.startswith("..") else below


class Roots:
    """The folders of workloads, samestep's own first. What stands in a later one replaces what an earlier one
    has of that name; and the workloads of another checkout of samestep stand in the place of its own."""

    def __init__(self, given: Sequence[Path]) -> None:
        """Raises SamestepError where a folder does not exist, or holds nothing that could be meant."""
        own = dict.fromkeys(Path(root).resolve() for root in given)
        own.pop(IMPLS, None)
        checkouts = [root for root in own if _is_of_a_checkout(root)]
        self.own = tuple(root for root in own if root not in checkouts[:1])
        self.all = (*(checkouts[:1] or [IMPLS]), *self.own)
        for root in self.own:
            if not root.is_dir():
                raise SamestepError(f"{written(root)} is not a folder of workloads: there is no such folder")
            if not modules(root / "frameworks") and not self.workloads_of(root):
                raise SamestepError(_holds_nothing(root))

    def folders(self, workload: str) -> list[Path]:
        """Return the folders of a workload's files, the last root's first: those are the ones that count."""
        return [folder for root in reversed(self.all) if (folder := root / workload).is_dir()]

    def specifications(self, workload: str) -> list[Path]:
        """Return the specs that folders have for a workload, the first root's first."""
        return [path for root in self.all if (path := root / workload / "spec.py").is_file()]

    def workloads_of(self, root: Path) -> list[str]:
        """Return the workloads that a root has, adds implementations to, or seems to be meant for."""
        return sorted(folder.name for folder in _folders_of(root) if self._is_meant(folder))

    def _is_meant(self, folder: Path) -> bool:
        if self.specifications(folder.name) or (folder / f"{REFERENCE}.py").is_file():
            return bool(modules(folder))
        named = any(is_implementation(path) for path in modules(folder))
        return named and bool(did_you_mean(folder.name, (own.name for own in _folders_of(IMPLS))))


def is_implementation(path: Path) -> bool:
    """Return whether a file's name begins with that of a framework that samestep knows."""
    return (ADAPTERS / f"{path.stem.split('_')[0]}.py").is_file()


def _is_of_a_checkout(root: Path) -> bool:
    mark = root.parent / "harness" / "samestep" / "impls" / "__init__.py"
    return root.name == "impls" and root.is_dir() and mark.is_file()


def _folders_of(root: Path) -> Iterator[Path]:
    for folder in root.iterdir():
        if folder.is_dir() and folder.name[0] not in "._" and folder.name != "frameworks":
            yield folder


def _holds_nothing(root: Path) -> str:
    """Return what is wrong with a root in which there is nothing to find."""
    here = written(root)
    if (root / "spec.py").is_file():
        return f"{here} is a workload itself: name the folder that it lies in, {written(root.parent)}"
    files = [path.name for path in modules(root) if is_implementation(path)]
    if files:
        example = f"{here}/two_layer/{files[0]}"
        return f"{here} holds {files[0]} itself: its place is in a folder of its workload's name, {example}"
    deeper = sorted(path.parents[1] for path in root.glob("*/*/spec.py"))
    if deeper:
        return f"{here} holds no workload itself: they lie in {written(deeper[0])}, name that"
    return f"{here} holds no workload: no folder in it has a spec.py, or the name of a workload of samestep's"
