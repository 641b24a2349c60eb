"""The arguments of aten operations: tensors, numbers, and lists of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """Return ``value`` with ``change`` applied to each leaf of its tuples, lists and dicts."""
    if type(value) is tuple:
        return tuple([mapped(change, one) for one in value])
    if type(value) is list:
        return [mapped(change, one) for one in value]
    if type(value) is dict:
        return {key: mapped(change, one) for key, one in value.items()}
    return change(value)


def leaves_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return the leaves of an operation's arguments, in order; its lists are not nested."""
    found: list[Any] = []
    for value in (*args, *kwargs.values()):
        if isinstance(value, (list, tuple)):
            found.extend(value)
        else:
            found.append(value)
    return found


def results_of(value: Any) -> list[Any]:
    """Return what an operation gives as a list: of one result, of several, or of none."""
    if isinstance(value, (tuple, list)):
        return list(value)
    return [] if value is None else [value]


def given(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by the names in its schema."""
    names = [argument.name for argument in func._schema.arguments]
    return dict(zip(names, args, strict=False)) | dict(kwargs)


def written_arguments(func: Any) -> list[Any]:
    """Return the arguments in an operation's schema that it changes."""
    return [one for one in func._schema.arguments if one.alias_info is not None and one.alias_info.is_write]
