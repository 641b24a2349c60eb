"""What the tests of port files have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ports.made_ports import IN_NUMPY


@pytest.fixture
def port(tmp_path: Path) -> Path:
    """A port file in NumPy, with a candidate that is right and one that is wrong."""
    path = tmp_path / "my_port.py"
    path.write_text(IN_NUMPY, encoding="utf-8")
    return path
