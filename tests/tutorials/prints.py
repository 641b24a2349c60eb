"""A tutorial's print beside what came out: they agree within half a unit of the print's last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np

from tests.made.places import VALUES

TUTORIALS = VALUES / "tutorial_values.json"
# Decimal keeps the digits as they are printed.
PUBLISHED = json.loads(TUTORIALS.read_text(encoding="utf-8"), parse_float=Decimal)


def by_name(section: str, key: str, beginning: str) -> Any:
    """The row of a published section whose ``key`` begins so."""
    [row] = [row for row in PUBLISHED[section] if row[key].startswith(beginning)]
    return row


def differences(got: np.ndarray, printed: Any) -> list[str]:
    """Each number that is not the printed one, in words. An integer's print is exact."""
    table = np.array(printed, dtype=object)
    assert got.shape == table.shape
    pairs = ((index, Decimal(float(got[index])), Decimal(print_)) for index, print_ in np.ndenumerate(table))
    return [f"{list(index)} is {value}, printed {print_}" for index, value, print_ in pairs
            if abs(value - print_) > _half_a_unit(print_)]  # fmt: skip


def _half_a_unit(print_: Decimal) -> Decimal:
    exponent = print_.as_tuple().exponent
    assert isinstance(exponent, int)
    whole = print_ == print_.to_integral_value()
    return Decimal(0) if whole else Decimal(5).scaleb(exponent - 1)
