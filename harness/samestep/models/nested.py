"""Values nested in tuples, lists, dicts and dataclasses, by path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from samestep.models.subject import ModelError

#: What a model takes or returns: leaves of any type in containers.
Nested = Any


def parts_of(value: Nested) -> list[tuple[str, Nested]] | None:
    """Return the named parts of one container, in its order; None for a leaf."""
    if isinstance(value, Mapping):
        return [(str(key), part) for key, part in value.items()]
    if isinstance(value, list | tuple):
        names = getattr(value, "_fields", range(len(value)))
        return [(str(name), part) for name, part in zip(names, value, strict=True)]
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return None


def leaves(value: Nested, separator: str = ".") -> dict[str, Nested]:
    """Return the leaves of a nested value by path, without None; a single leaf has the path ""."""
    return dict(_walk(value, "", separator))


def _walk(value: Nested, path: str, separator: str) -> Iterator[tuple[str, Nested]]:
    parts = parts_of(value)
    if parts is None:
        if value is not None:
            yield path, value
        return
    for name, part in parts:
        yield from _walk(part, f"{path}{separator}{name}" if path else name, separator)


def replaced(
    value: Nested, change: Callable[[str, Nested], Nested], separator: str = ".", path: str = ""
) -> Nested:
    """Return the same containers with every leaf replaced by ``change(path, leaf)``."""
    parts = parts_of(value)
    if parts is None:
        return value if value is None else change(path, value)
    below = [
        replaced(part, change, separator, f"{path}{separator}{name}" if path else name)
        for name, part in parts
    ]
    if isinstance(value, Mapping):
        return dict(zip(value, below, strict=True))
    if hasattr(value, "_fields"):
        return type(value)(*below)
    if isinstance(value, list | tuple):
        return type(value)(below)
    return replace(value, **dict(zip((name for name, _ in parts), below, strict=True)))


def outputs_and_state(returned: Nested, held: Nested, name: str) -> tuple[Nested, Nested]:
    """Return what a function returned as ``(outputs, new_state)``; without a state ``held`` all is outputs.

    The new state has the leaves of the one that it was given. Raises `ModelError`, which calls the function
    by ``name``, for anything else.
    """
    if held is None:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ModelError(f"{name} has a state: it must return (outputs, new_state)")
    before, after = leaves(held).keys(), leaves(returned[1]).keys()
    if before != after:
        raise ModelError(f"{name} returns the state {sorted(after)}; it was given {sorted(before)}")
    outputs, state = returned
    return outputs, state
