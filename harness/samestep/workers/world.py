"""What all code of a process shares: whoever changes it has the process to itself from then on.

Several implementations of a framework share a worker. One that sets the default dtype at its import, patches
a function or moves to another folder would decide the verdicts of those after it. So the world is read before
and after each of them, and a process whose world was changed is not used for another.

What is only drawn from, the global random generators, is put back instead. Not seen is what a change leaves
equal here: an array of a sibling that was written into, or a patched attribute of anything but the modules
and classes that are looked at.
"""

from __future__ import annotations

import importlib.util
import operator
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Protocol

import numpy as np

from samestep.frameworks import Adapter, generators_of, shared_by
from samestep.workers.process_settings import process_settings

Space = ModuleType | type

#: Modules whose names nobody may bind anew; with them come those of implementations and of what runs them.
MODULES = (
    "builtins", "math", "os", "random", "signal", "sys", "time", "numpy", "numpy.linalg", "numpy.random",
)  # fmt: skip
OWN = ("samestep.", "impls_")

#: What stands behind the name of a function for its code.
CODE = ".__code__"

#: What PyTorch's compiler does of itself when it first compiles: it wraps functions of PyTorch's from these
#: places, and notes in these variables what it found out.
COMPILER = ("/torch/_compile.py", "/torch/_dynamo/")
ITS_VARIABLES = frozenset({"TORCHINDUCTOR_CACHE_DIR", "_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR"})


class Pool(Protocol):
    """A library with threads of its own, as threadpoolctl describes it."""

    internal_api: str
    filepath: str
    num_threads: int | None


@dataclass(frozen=True)
class World:
    """The settings of a process by name, its environment variables, and what the names in modules mean.

    To add to the path, or to allow deeper recursion, changes nothing for others.
    """

    settings: Mapping[str, object]
    path: Sequence[str]
    recursion_limit: int
    variables: Mapping[str, str]
    names: Sequence[tuple[Space, Mapping[str, object]]]


class Watch:
    """Reads the world of this process, with what the adapter's framework has of it."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.pools = _pools()
        self.generators = random.getstate(), np.random.get_state(), generators_of(adapter)
        self.before = self._read()

    def begin(self) -> None:
        """Put the global random generators back to where they were at first, and read the world."""
        python, numpy, put_back = self.generators
        random.setstate(python)
        np.random.set_state(numpy)
        put_back()
        self.before = self._read()

    def changes(self) -> list[str]:
        """Return what was changed since then, each in a few words; what is new to a module is no change."""
        before, now = self.before, self._settings()
        return [
            *(name for name, value in before.settings.items() if now.get(name, value) != value),
            *["sys.path"] * (tuple(sys.path[: len(before.path)]) != before.path),
            *["the recursion limit"] * (sys.getrecursionlimit() < before.recursion_limit),
            *(f"the variable {name}" for name in _different(before.variables, os.environ)),
            *(f"{_called(owner)}.{name}" for owner, names in before.names for name in _rebound(owner, names)),
        ]

    def _read(self) -> World:
        common = [sys.modules[name] for name in MODULES]
        owners = dict.fromkeys([*common, *shared_by(self.adapter).namespaces, *_own()])
        names = [(owner, _names(owner)) for owner in owners]
        return World(self._settings(), tuple(sys.path), sys.getrecursionlimit(), dict(os.environ), names)

    def _settings(self) -> dict[str, object]:
        pools = {  # NumPy and SciPy have one of the same name each
            f"the threads of {pool.internal_api} in {Path(pool.filepath).parent.name}": pool.num_threads
            for pool in self.pools
        }
        return {**process_settings(), **pools, **shared_by(self.adapter).settings}


def _pools() -> Sequence[Pool]:
    """Return the libraries with threads of their own, which takes a millisecond; where they can be found."""
    if importlib.util.find_spec("threadpoolctl") is None:  # another interpreter need not have it
        return ()
    import threadpoolctl

    found: Sequence[Pool] = threadpoolctl.ThreadpoolController().lib_controllers
    return found


def _own() -> list[Space]:
    """Return the modules of `OWN` that are imported, with the classes that they define."""
    near = [name for name in list(sys.modules) if name[0] in "si"]  # of thousands: this is quick
    modules = [sys.modules[name] for name in near if name.startswith(OWN)]
    return [
        *modules,
        *(
            value
            for module in modules
            for value in list(vars(module).values())
            if isinstance(value, type) and value.__module__ == module.__name__
        ),
    ]


def _called(owner: Space) -> str:
    return owner.__name__ if isinstance(owner, ModuleType) else f"{owner.__module__}.{owner.__qualname__}"


def _names(owner: Space) -> dict[str, object]:
    """Return what the names of a module or class mean; of samestep's own functions the code as well, which
    can be exchanged within one."""
    found = dict(vars(owner))
    if _called(owner).startswith(OWN):
        home = owner.__name__ if isinstance(owner, ModuleType) else owner.__module__
        for name, value in vars(owner).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if isinstance(function, FunctionType) and function.__module__ == home:
                found[name + CODE] = function.__code__
    return found


def _different(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = {name for name, _ in before.items() ^ now.items()}
    return sorted(name for name in names if name in before or name not in ITS_VARIABLES)


def _rebound(owner: Space, before: Mapping[str, object]) -> list[str]:
    """Return the names that mean something else now, or nothing."""
    now = _names(owner)
    if all(map(operator.is_, map(now.get, before), before.values())):  # quick: no loop of Python's
        return []
    found = {name for name, old in before.items() if not _is_still(owner, name, now.get(name), old)}
    return [name for name in before if name in found and name.removesuffix(CODE) not in found - {name}]


def _is_still(owner: Space, name: str, new: object, old: object) -> bool:
    """Return whether a name means what it meant, or what its framework makes of it at the first use."""
    if new is old:
        return True
    if isinstance(new, ModuleType):  # it was imported, in the place of what stood for it
        return new is sys.modules.get(f"{owner.__name__}.{name}")
    return isinstance(new, FunctionType) and any(part in new.__code__.co_filename for part in COMPILER)
