"""What a number in a record may be: checks for annotations, and for documents that anyone may have written.

Amounts are of this world, between 2^-100 and 2^100, so that none of them becomes 0 or infinite where it is
divided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

SMALLEST, LARGEST = 2.0**-100, 2.0**100
#: A larger integer does not count anything real.
MOST = 2**63
#: More processes, rounds or workers than that are no run: full profiles have 20 processes.
MOST_REPEATS = 10_000
#: More calls than that make no sample: at a nanosecond each they would take longer than any is meant to.
MOST_CALLS = 2**30
#: How deep lists and mappings may be nested.
DEEPEST = 50


def count(value: object) -> bool:
    """Return whether it is a whole number from 0 on."""
    return type(value) is int and 0 <= value < MOST  # a bool does not count


def positive_count(value: object) -> bool:
    """Return whether it is a whole number from 1 on."""
    return count(value) and value != 0


def repeats(value: object) -> bool:
    """Return whether it may be how often something is measured: from 1 to `MOST_REPEATS`."""
    return positive_count(value) and value <= MOST_REPEATS  # type: ignore[operator]


def calls(value: object) -> bool:
    """Return whether it may be the number of calls in a sample: from 1 to `MOST_CALLS`."""
    return positive_count(value) and value <= MOST_CALLS  # type: ignore[operator]


def amount(value: object) -> bool:
    """Return whether it may be seconds, bytes or operations: finite and above 0."""
    return type(value) in (int, float) and SMALLEST <= value <= LARGEST  # type: ignore[operator]


def not_negative(value: object) -> bool:
    """Return whether it is an amount or 0."""
    return amount(value) or (type(value) in (int, float) and value == 0)


def writable(document: object) -> bool:
    """Return whether a document can be written again.

    It is not nested too deep, and has no half of a surrogate pair ("\\ud800"), which JSON's escapes may hold
    and files may not.
    """
    if not _shallow(document, DEEPEST):
        return False
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _shallow(document: object, left: int) -> bool:
    if not isinstance(document, Mapping | list):
        return True
    inner = document.values() if isinstance(document, Mapping) else document
    return left > 0 and all(_shallow(one, left - 1) for one in inner)
