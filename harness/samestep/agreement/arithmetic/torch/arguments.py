"""The arguments and results of aten operations: tensors, numbers, and lists of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from samestep.agreement.arithmetic.torch.operation_table import operation_name

#: These change arguments that their schema does not name: the positions.
_HIDDEN_CHANGES = {"native_batch_norm": (3, 4), "cudnn_batch_norm": (3, 4), "miopen_batch_norm": (3, 4)}


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


def changed_by(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return the arguments that a call changes in place."""
    found = [args[i] for i in _HIDDEN_CHANGES.get(operation_name(func), ()) if i < len(args)]
    if func._schema.is_mutable:
        named = given(func, args, kwargs)
        for argument in _written(func):
            value = named.get(argument.name)
            found.extend(value if isinstance(value, (list, tuple)) else [value])
    return found


def targets_of(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[int, Any]:
    """Return the results of a call that are its arguments, changed in place: index -> argument."""
    if not func._schema.is_mutable:
        return {}
    named, sets = given(func, args, kwargs), dict[str, Any]()
    for argument in _written(func):
        sets.update(dict.fromkeys(argument.alias_info.before_set, named.get(argument.name)))
    found = {}
    for i, one in enumerate(func._schema.returns):
        if one.alias_info is not None:
            found[i] = next((sets[name] for name in one.alias_info.before_set if name in sets), None)
    return found


def _written(func: Any) -> list[Any]:
    return [one for one in func._schema.arguments if one.alias_info is not None and one.alias_info.is_write]
