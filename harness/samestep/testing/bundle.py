"""A replay bundle: one comparison of a test in one file, so that the same test meets the same numbers again.

It holds what `agree` was given but the models, which the test itself makes: inputs, targets, options, and the
states of the global random generators before the test began, so that models with unseeded weights are made
again as well. A digest of the parameters of both sides tells whether they were.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from samestep.errors import SamestepError
from samestep.models.recorded.made_with import Made
from samestep.records import sealed_arrays
from samestep.records.sealed_documents import is_one, read_one

#: What the document of a bundle says of itself, beside the documents of other sealed files.
KIND = "samestep bundle"
FORMAT = 1

INPUT, TARGETS, GENERATOR = "input ", "targets", "generator "


@dataclass(frozen=True)
class Asked:
    """What was asked, as it was in force (`samestep.compare` says what each means)."""

    dtypes: tuple[str, ...]
    steps: int
    contract: str | None
    replicas: int
    seed: int
    strict: bool
    perturb: bool
    variants: bool


@dataclass(frozen=True)
class Bundle:
    """The document of a bundle.

    ``node_id`` is pytest's name of the test, relative to its root folder, and ``call`` which comparison of
    the test it is, from 0. ``verdict`` and ``headline`` are what was found. ``keywords`` name the inputs
    where these were given by name. ``made`` says with which versions; ``parameters`` is a digest of each
    side's ("candidate", "reference"), without a side that has none to show.
    """

    node_id: str
    call: int
    verdict: str
    headline: str
    asked: Asked
    made: Made
    keywords: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    kind: str = KIND
    format: int = FORMAT


@dataclass(frozen=True, eq=False)
class SavedCall:
    """A bundle with its arrays: inputs and targets as the models were given them, generators by name."""

    bundle: Bundle
    inputs: tuple[np.ndarray, ...]
    targets: np.ndarray | None
    generators: Mapping[str, np.ndarray]

    @property
    def named_inputs(self) -> tuple[np.ndarray, ...] | dict[str, np.ndarray]:
        """The inputs as `samestep.compare` takes them: by position, or by keyword."""
        names = self.bundle.keywords
        return dict(zip(names, self.inputs, strict=True)) if names else self.inputs

    def write(self, path: Path) -> None:
        """Write it as one sealed file. Raises `SamestepError` where the file cannot be written."""
        arrays = {f"{INPUT}{number}": value for number, value in enumerate(self.inputs)}
        arrays |= {} if self.targets is None else {TARGETS: self.targets}
        arrays |= {f"{GENERATOR}{name}": value for name, value in self.generators.items()}
        sealed_arrays.write(path, self.bundle, arrays)


def is_bundle(document: Mapping[str, object]) -> bool:
    """Return whether the document of a sealed file is a bundle's."""
    return is_one(document, Bundle)


def read_bundle(path: Path) -> SavedCall:
    """Return a bundle with its arrays. Raises `SamestepError` in one line for a file that is none."""
    bundle, arrays = read_one(path, Bundle, "bundle of a test", "use the samestep that wrote it")
    inputs = tuple(array for name, array in arrays.items() if name.startswith(INPUT))
    if bundle.keywords and len(bundle.keywords) != len(inputs):
        raise SamestepError(f"{path} names {len(bundle.keywords)} inputs and holds {len(inputs)}")
    generators = {
        name.removeprefix(GENERATOR): array for name, array in arrays.items() if name.startswith(GENERATOR)
    }
    return SavedCall(bundle, inputs, arrays.get(TARGETS), generators)


def pytest_command(path: Path) -> list[str]:
    """Return the command that runs the test of a bundle on its numbers, with this interpreter.

    The test's file is looked for in the folders that the bundle lies in, then in the current one, and is run
    only where it lies inside of that: by its whole path, which is neither an option nor a pattern. Raises
    `SamestepError` where it is in none of them.
    """
    node_id = read_bundle(path).bundle.node_id
    file = node_id.partition("::")[0]
    folders = (*path.absolute().parents[:-1], Path.cwd())  # in / any file is found
    root = next((folder for folder in folders if _is_test_in(folder, file)), None)
    if root is None:
        raise SamestepError(f"{path} is of the test {node_id}: change to the folder that {file} is in")
    test = f"{root / file}{node_id.removeprefix(file)}"
    return [sys.executable, "-m", "pytest", f"--rootdir={root}", f"--samestep-replay={path}", test]


def _is_test_in(folder: Path, file: str) -> bool:
    """Whether a name from a bundle is that of a Python file inside of a folder, and of nothing above it."""
    found, named = (folder / file).resolve(), Path(file)
    if named.is_absolute() or ".." in named.parts:
        return False
    return found.is_relative_to(folder.resolve()) and found.suffix == ".py" and found.is_file()
