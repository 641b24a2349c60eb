"""Which framework a function is written in, from its parameters and from the names that its code uses."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator

#: The top-level packages that say which framework code belongs to.
PACKAGES = {
    "torch": "torch",
    "jax": "jax",
    "jaxlib": "jax",
    "flax": "jax",
    "optax": "jax",
    "equinox": "jax",
    "tensorflow": "tensorflow",
    "keras": "keras",
}

#: How far the functions that a function calls are followed.
DEPTH = 3


def framework_of_leaves(tree: object) -> set[str]:
    """Return the frameworks whose arrays are in a nesting of dicts, lists and tuples; NumPy is none."""
    if isinstance(tree, dict):
        return set().union(*(framework_of_leaves(leaf) for leaf in tree.values()))
    if isinstance(tree, (list, tuple)):
        return set().union(*(framework_of_leaves(leaf) for leaf in tree))
    name = _package(type(tree))
    return {name} if name else set()


def framework_of_function(call: Callable[..., object]) -> set[str]:
    """Return the frameworks that a function's code uses, or those of the functions that it calls.

    A function that uses none but NumPy gives the empty set.
    """
    wrapper = _package(type(call))
    if wrapper:
        return {wrapper}
    level: list[types.FunctionType] = list(_functions(call))
    seen: set[types.CodeType] = set()
    for _ in range(DEPTH):
        found = {name for function in level for name in _used(function)}
        if found:
            return found
        seen.update(function.__code__ for function in level)
        called = [inner for function in level for inner in _called(function)]
        level = [function for function in called if function.__code__ not in seen]
    return set()


def _package(kind: object) -> str | None:
    module = getattr(kind, "__module__", None) or ""
    return PACKAGES.get(str(module).partition(".")[0])


def _functions(call: object) -> Iterator[types.FunctionType]:
    """The plain functions behind a callable: wrapped, partial, bound, or an object with __call__."""
    if isinstance(call, functools.partial):
        yield from _functions(call.func)
    elif inspect.ismethod(call):
        yield from _functions(call.__func__)
    elif hasattr(call, "__wrapped__"):
        yield from _functions(call.__wrapped__)
    elif isinstance(call, types.FunctionType):
        yield call
    elif not isinstance(call, type):
        method = inspect.getattr_static(type(call), "__call__", None)
        if isinstance(method, types.FunctionType):
            yield method


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _names(function: types.FunctionType, operation: str) -> set[str]:
    """The names that a function's code uses by one operation; attributes are none (``nn`` of ``jax.nn``)."""
    return {
        str(instruction.argval)
        for code in _codes(function.__code__)
        for instruction in dis.get_instructions(code)
        if instruction.opname == operation
    }


def values_named(call: Callable[..., object]) -> Iterator[tuple[str, object]]:
    """Yield what a function can keep from call to call: what its names stand for, and its object's own."""
    owner = call if hasattr(call, "__dict__") and not isinstance(call, types.FunctionType) else None
    owner = getattr(call, "__self__", owner)
    if owner is not None and not isinstance(owner, types.ModuleType):
        yield from getattr(owner, "__dict__", {}).items()
    for function in _functions(call):
        yield from _named(function)


def _named(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    """What the names in a function's code stand for: globals, and the cells that it closes over."""
    names = sorted(_names(function, "LOAD_GLOBAL") | _names(function, "STORE_GLOBAL"))
    yield from ((name, function.__globals__[name]) for name in names if name in function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a cell that is not filled yet
            continue


def _values(function: types.FunctionType) -> Iterator[object]:
    yield from (value for _, value in _named(function))


def _used(function: types.FunctionType) -> set[str]:
    found = set()
    for value in _values(function):
        name = PACKAGES.get(value.__name__.partition(".")[0]) if isinstance(value, types.ModuleType) else None
        owner = name or _package(value) or _package(type(value))
        if owner:
            found.add(owner)
    imports = {name.partition(".")[0] for name in _names(function, "IMPORT_NAME")}
    return found | {PACKAGES[name] for name in imports if name in PACKAGES}


def _is_followed(module: types.ModuleType) -> bool:
    """Whether a module is the user's own, or samestep, whose ``tag`` is JAX's; libraries try every one."""
    package = module.__name__.partition(".")[0]
    file = getattr(module, "__file__", None) or ""
    is_library = "site-packages" in file or package in sys.stdlib_module_names
    return package == "samestep" or not is_library


def _called(function: types.FunctionType) -> Iterator[types.FunctionType]:
    """The functions that a function names, also those of modules (``samestep.tag``, ``layers.norm``)."""
    values = list(_values(function))
    attributes = _names(function, "LOAD_ATTR") | _names(function, "LOAD_METHOD")
    for module in [value for value in values if isinstance(value, types.ModuleType)]:
        if _is_followed(module):
            values += [getattr(module, name) for name in sorted(attributes) if hasattr(module, name)]
    for value in values:
        if callable(value) and not isinstance(value, type):
            yield from _functions(value)
