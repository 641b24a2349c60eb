"""What tutorials print, what comes out here, and the mistakes of docs/mistakes.

A value agrees with its print within half a unit of the print's last digit.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests.made.places import CHECKOUT, VALUES

MISTAKES = CHECKOUT / "docs" / "mistakes"
# Decimal keeps the digits as they are printed.
PUBLISHED = json.loads((VALUES / "tutorial_values.json").read_text(encoding="utf-8"), parse_float=Decimal)


def framework_of(rung: str) -> str:
    """Return the framework that an implementation's name begins with."""
    return rung.split("_")[0]


def by_name(section: str, key: str, beginning: str) -> Any:
    """Return the row of a published section whose ``key`` begins with a text."""
    [row] = [row for row in PUBLISHED[section] if row[key].startswith(beginning)]
    return row


def differences(got: np.ndarray, printed: Any) -> list[str]:
    """Return a line on each number that is not the printed one; a print without decimals is exact."""
    table = np.array(printed, dtype=object)
    assert got.shape == table.shape
    pairs = ((index, Decimal(float(got[index])), Decimal(print_)) for index, print_ in np.ndenumerate(table))
    return [f"{list(index)} is {value}, printed {print_}" for index, value, print_ in pairs
            if abs(value - print_) > half_a_unit(print_)]  # fmt: skip


def limit_of(print_: Decimal, certificate: float) -> Decimal:
    """Return how far a value may be from a print.

    The certificate counts twice: the tutorial's arithmetic may have used it up as well as ours.
    """
    return half_a_unit(print_) + 2 * Decimal(float(certificate))


def half_a_unit(print_: Decimal) -> Decimal:
    """Return half a unit of the last digit of a print; 0 of a whole number."""
    if print_ == print_.to_integral_value():
        return Decimal(0)  # 4.0 and -6.0 are exact
    exponent = print_.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(5).scaleb(exponent - 1)


def load(path: Path) -> ModuleType:
    """Import a file that lies outside of every package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(selector: str, mistake: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and the cells of ``samestep check SELECTOR --file MISTAKE``."""
    command = [sys.executable, "-m", "samestep", "check", selector, "--json", "--threads", "1"]
    command += ["--file", str(MISTAKES / f"{mistake}.py")]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    cells: list[dict[str, Any]] = json.loads(done.stdout)["cells"]
    assert [cell["dtype"] for cell in cells] == ["float32", "float64"]
    return done.returncode, cells
