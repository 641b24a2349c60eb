"""Another Python than the one of the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def foreign_python(tmp_path) -> Path:
    """An interpreter that has NumPy and threadpoolctl, and nothing else of this one's."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    for name in ("numpy", "numpy.libs", "threadpoolctl.py"):
        for found in {Path(p) / name for p in sys.path if (Path(p) / name).exists()}:
            (packages / name).symlink_to(found)
    return tmp_path / "venv" / "bin" / "python"
