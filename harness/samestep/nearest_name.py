"""The name that was probably meant, for an error of one line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "; the nearest is 'x'", or what there is where nothing is near, for the end of a message."""
    there = list(names)
    near = get_close_matches(name, there, 1, 0.0)
    return f"; the nearest is {near[0]!r}" if near else "; there are none"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean 'x'?", or nothing where no name is near, for the end of a message."""
    near = get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(names: Iterable[str], most: int = 3) -> str:
    """Return the names, the first few of them and how many more."""
    there = list(names)
    more = f" and {len(there) - most} more" if len(there) > most else ""
    return ", ".join(repr(name) for name in there[:most]) + more
