"""All pairs of `tests.evidence.real_libraries`, by name."""

from __future__ import annotations

from tests.evidence.libraries.twin_pairs import TWINS

PAIRS = (*TWINS,)
