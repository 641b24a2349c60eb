"""A folder of implementations, and one run of them that is made once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.made.command_line import TINY
from tests.made.rungs import GOOD, root, samestep


@pytest.fixture(scope="session")
def impls(tmp_path_factory) -> Path:
    """rigged, with rungs of NumPy and of a framework that is installed nowhere."""
    folder = root(tmp_path_factory.mktemp("impls"), {"numpy_good": GOOD, "ghost_manual": GOOD})
    (folder / "frameworks").mkdir()
    (folder / "frameworks" / "ghost.py").write_text('import ghost\nDISTRIBUTIONS = ("ghost-net",)\n')
    return folder


@pytest.fixture(scope="session")
def made_run(tmp_path_factory, impls) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run of rigged as a user makes it, with its folder."""
    out = tmp_path_factory.mktemp("results")
    done = samestep("run", "rigged", "--impls", impls, "--out", out, "--json", *TINY)
    (folder,) = out.glob("*/*")
    return done, folder


@pytest.fixture
def copied(made_run, tmp_path) -> Path:
    """The same run, to be damaged."""
    folder = made_run[1]
    return Path(shutil.copytree(folder, tmp_path / "results" / folder.parent.name / folder.name))
