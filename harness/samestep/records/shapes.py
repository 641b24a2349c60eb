"""Whether a document that anyone may have written is what it should be: small checks, to be combined.

They look at what `json.loads` made. Amounts are of this world, between 2^-100 and 2^100, so that none of them
becomes 0 or infinite where it is divided.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

SMALLEST, LARGEST = 2.0**-100, 2.0**100
#: More is no count of anything.
MOST = 2**63
#: Lists and mappings are in each other so deep at most.
DEEPEST = 50


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST  # a bool is none


def times(value: Any) -> bool:
    """A count of what was done once at least."""
    return count(value) and value > 0


def number(value: Any) -> bool:
    """Finite, or one of the strings that JSON has instead."""
    if isinstance(value, str):
        return value in ("nan", "inf", "-inf")
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def amount(value: Any) -> bool:
    """Seconds, bytes or operations: finite and above 0."""
    return type(value) in (int, float) and SMALLEST <= value <= LARGEST


def share(value: Any) -> bool:
    """As an amount, but it may be 0."""
    return amount(value) or (type(value) in (int, float) and value == 0)


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def many(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def some(check: Check) -> Check:
    """As many, but one at least."""
    return lambda value: bool(value) and many(check)(value)


def each(check: Check) -> Check:
    return lambda value: isinstance(value, Mapping) and all(map(check, value.values()))


def shaped(**fields: Check) -> Check:
    """A mapping that has what these fields ask for; a missing one is None."""
    return lambda value: (
        isinstance(value, Mapping) and all(check(value.get(name)) for name, check in fields.items())
    )


def either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def writable(document: Any) -> bool:
    """It can be written again: it is not too deep, and no text in it has half of a character ("\\ud800"), as
    JSON's escapes may, and no file."""
    if not _shallow(document, DEEPEST):
        return False
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _shallow(document: Any, left: int) -> bool:
    inner = document.values() if isinstance(document, Mapping) else document
    return not isinstance(document, Mapping | list) or (
        left > 0 and all(_shallow(one, left - 1) for one in inner)
    )
