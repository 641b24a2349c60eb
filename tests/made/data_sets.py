"""Small made-up data sets for the tests of samestep.data, and an environment without the usual places."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from samestep.data import find, idx, sets

TRAIN, TEST = 6, 4


def items(kind: idx.Kind, count: int, seed: int = 0) -> bytes:
    high = 256 if kind == "images" else 10
    shape = (count, *idx.INNER[kind])
    return np.random.default_rng(seed).integers(0, high, shape, np.uint8).tobytes()


def idx_bytes(kind: idx.Kind, count: int, seed: int = 0) -> bytes:
    return idx.header(kind, count) + items(kind, count, seed)


def files(seed: int = 0) -> dict[str, bytes]:
    """Return the unpacked content of a made-up set's four files, by name."""
    return {part.file: idx_bytes(part.kind, part.count, seed) for part in sets.parts(TRAIN, TEST, *"abcd")}


def made_up(like: sets.DataSet = sets.MNIST, seed: int = 0, **changes: object) -> sets.DataSet:
    """Return a known set with other, small content, and the checksums of that."""
    sums = [hashlib.sha256(content).hexdigest() for content in files(seed).values()]
    return dataclasses.replace(like, parts=sets.parts(TRAIN, TEST, *sums), **changes)  # type: ignore[arg-type]


def write(folder: Path, seed: int = 0, packed: bool = True) -> Path:
    """Write the files of a made-up set into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files(seed).items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def write_npz(path: Path, seed: int = 0, **members: np.ndarray) -> Path:
    """Write a made-up set as Keras does, and return the path; ``members`` replace arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for part in sets.parts(TRAIN, TEST, *"abcd"):
        content = np.frombuffer(items(part.kind, part.count, seed), np.uint8)
        members.setdefault(part.member, content.reshape(part.count, *idx.INNER[part.kind]))
    np.savez_compressed(path, **members)  # type: ignore[arg-type]
    return path


def bare_machine(monkeypatch: pytest.MonkeyPatch, root: Path) -> Path:
    """Set up an empty home and working folder below ``root``, no variables, no system folder."""
    for variable in (find.VARIABLE, "XDG_CACHE_HOME", "TORCH_HOME", "KERAS_HOME"):
        monkeypatch.delenv(variable, raising=False)
    home, work = root / "home", root / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    monkeypatch.setattr(find, "SYSTEM", root / "system")
    return root
