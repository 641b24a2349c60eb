"""What is stored in what a call returned, read by tuple's and dict's own methods: those of the object's class
might compute only then."""

from __future__ import annotations

from typing import cast


def parts_of(returned: object, count: int) -> tuple[object, ...] | None:
    """Return the ``count`` parts of what was returned, one of which is no tuple; None where it has others."""
    if count == 1:
        return (returned,)
    if not issubclass(type(returned), tuple):  # isinstance would ask the object
        return None
    parts = tuple.__getitem__(cast(tuple[object, ...], returned), slice(None))
    return parts if len(parts) == count else None


def items_of(value: object) -> dict[str, object] | None:
    """Return what a dict holds, by name; None where it is no dict."""
    if not issubclass(type(value), dict):
        return None
    return {str(name): one for name, one in dict.items(cast(dict[object, object], value))}
