"""Where the checkout lies, and the recorded values that tests compare with."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
VALUES = CHECKOUT / "tests" / "values"
