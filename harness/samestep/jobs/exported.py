"""A revision of a git repository as files in a folder, with nothing of the working tree changed."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from samestep.catalog.roots import IMPLS
from samestep.errors import SamestepError


@dataclass(frozen=True)
class Repository:
    """A git repository, by the folder ``top`` of its working tree."""

    top: Path

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """Return the repository that a folder lies in. Raises SamestepError where there is none."""
        try:
            done = _git(folder, "rev-parse", "--show-toplevel")
        except SamestepError as error:
            raise SamestepError(f"ab compares revisions of a git repository: {error}") from error
        return cls(Path(done).resolve())

    def commit(self, name: str) -> str:
        """Return the commit that a name means. Raises SamestepError where it means none."""
        try:
            words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            return _git(self.top, *words)
        except SamestepError:
            raise SamestepError(
                f"{name} is no revision here: name a branch, a tag or a commit (a shallow clone has few of "
                f"them: git fetch --unshallow)"
            ) from None

    def export(self, commit: str, folder: Path) -> None:
        """Write all files of a commit into a folder, which is made. Raises SamestepError."""
        index = {"GIT_INDEX_FILE": f"{folder}.index"}
        _git(self.top, "read-tree", commit, variables=index)
        _git(self.top, "checkout-index", "--all", f"--prefix={folder}{os.sep}", variables=index)

    def inside(self, path: Path) -> Path | None:
        """Return a path as seen from the top; None outside of the repository."""
        absolute = path.resolve()
        return absolute.relative_to(self.top) if absolute.is_relative_to(self.top) else None

    def roots(self, given: Sequence[Path]) -> list[Path]:
        """Return the folders of workloads and the port files that each revision has of its own, as seen from
        the top: those that were given, and samestep's own where this is its repository.

        Raises SamestepError where there is none.
        """
        found = [inside for path in (IMPLS, *given) if (inside := self.inside(path)) is not None]
        if not found:
            raise SamestepError(
                f"no revision of {self.top} changes what is measured: name a folder of workloads in it with "
                "--impls, or a port file"
            )
        return found

    def path(self) -> list[Path]:
        """Return the folders that Python looks for modules in, as seen from the top: those of this process
        that lie in the repository, and those of projects that were installed from it."""
        projects = [folder for project in _projects() for folder in (project, project / "src")]
        folders = [Path(entry) for entry in sys.path if entry]
        seen = (self.inside(folder) for folder in (*folders, *projects) if folder.is_dir())
        return list(dict.fromkeys(folder for folder in seen if folder is not None))


def _projects() -> Iterator[Path]:
    """Return the folders that installed distributions were installed from (PEP 610)."""
    for distribution in importlib.metadata.distributions():
        text = distribution.read_text("direct_url.json")
        url = urlsplit(json.loads(text).get("url", "")) if text else None
        if url and url.scheme == "file":
            yield Path(unquote(url.path))


def _git(folder: Path, *words: str, variables: dict[str, str] | None = None) -> str:
    """Return what git answers. Raises SamestepError, with git's own last line, where it refuses."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **(variables or {})}
        )
    except OSError as error:
        raise SamestepError(f"git cannot be started: {error.strerror}") from error
    if done.returncode:
        raise SamestepError((done.stderr.strip().splitlines() or [f"git {words[0]} failed"])[-1])
    return done.stdout.strip()
