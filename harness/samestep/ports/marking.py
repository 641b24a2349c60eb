"""What marks the functions of a port file: which one makes the reference, and which ones make candidates."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, overload

from samestep.errors import SamestepError

if TYPE_CHECKING:
    from samestep.models.options import LayerNames

F = TypeVar("F", bound=Callable[..., object])

REFERENCE, CANDIDATE = "reference", "candidate"

#: What a mark may say of a reference; of a candidate it may say more.
OF_REFERENCE = ("name", "loss", "optimizer", "framework")

#: The attribute of a function that holds its mark.
ATTRIBUTE = "__samestep__"

#: A name is a part of a selector, of a file's name and of a line in a table.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Mark:
    """What is said of a marked function: its ``role``, its name, and how the model that it makes is compared.

    Each is None where nothing was said; see `candidate`.
    """

    role: str
    name: str
    loss: Callable[..., object] | None = None
    contract: str | None = None
    convert: Callable[..., object] | None = None
    layers: LayerNames | None = None
    optimizer: Callable[[], object] | None = None
    framework: str | None = None


@overload
def reference(function: F, /) -> F: ...


@overload
def reference(
    *,
    name: str | None = ...,
    loss: Callable[..., object] | None = ...,
    optimizer: Callable[[], object] | None = ...,
    framework: str | None = ...,
) -> Callable[[F], F]: ...


def reference(function: object = None, /, **said: object) -> object:
    """Mark the function that makes the reference of a port file.

    The function takes nothing, imports its framework inside, and returns whatever `samestep.compare` takes.
    It can still be called as before. ``name`` is what it is called in tables, ``loss`` its function of
    (outputs, targets) where the file's ``loss`` is none for it, ``optimizer`` a function that returns its
    optimiser (see `samestep.compare`), ``framework`` what it is written in where that cannot be read from its
    imports. Raises SamestepError for what is no function.
    """
    return _marked(REFERENCE, function, said, OF_REFERENCE)


@overload
def candidate(function: F, /) -> F: ...


@overload
def candidate(
    *,
    name: str | None = ...,
    loss: Callable[..., object] | None = ...,
    contract: str | None = ...,
    convert: Callable[..., object] | None = ...,
    layers: LayerNames | None = ...,
    optimizer: Callable[[], object] | None = ...,
    framework: str | None = ...,
) -> Callable[[F], F]: ...


def candidate(function: object = None, /, **said: object) -> object:
    """Mark a function that makes a candidate of a port file.

    It takes nothing, or the reference's parameters and state (a dict of NumPy arrays by name), imports its
    framework inside, and returns whatever `samestep.compare` takes. It can still be called as before.
    ``contract``, ``convert`` and ``layers`` are those of `samestep.compare` for this candidate alone; the
    rest is as for `reference`. Raises SamestepError for what is no function.
    """
    return _marked(CANDIDATE, function, said, (*OF_REFERENCE, "contract", "convert", "layers"))


def _marked(role: str, function: object, said: dict[str, object], allowed: tuple[str, ...]) -> object:
    for name in said:
        if name not in allowed:
            raise SamestepError(f"@samestep.{role} takes no {name}=; it takes {', '.join(allowed)}")
    if function is None:
        return lambda function: _mark(role, function, said)
    return _mark(role, function, said)


def _mark(role: str, function: object, said: dict[str, object]) -> object:
    if not inspect.isfunction(inspect.unwrap(function) if callable(function) else function):
        what = (
            f"the class {function.__name__}" if isinstance(function, type) else f"a {type(function).__name__}"
        )
        raise SamestepError(f"@samestep.{role} marks {what}: it marks a function that makes the model")
    name = said.get("name") or function.__name__  # type: ignore[attr-defined]  # it is a function
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SamestepError(
            f"@samestep.{role}: the name {name!r} has other characters than letters, digits, _.+-"
        )
    mark = Mark(role, **{**said, "name": name})  # type: ignore[arg-type]  # their types are checked with the file
    setattr(function, ATTRIBUTE, mark)
    if (gathered := _gathered.get()) is not None:
        gathered.append(function)  # type: ignore[arg-type]
    return function


def mark_of(value: object) -> Mark | None:
    """Return the mark of a function; None of anything else."""
    found = getattr(value, ATTRIBUTE, None) if callable(value) else None
    return found if isinstance(found, Mark) else None


_gathered: ContextVar[list[Callable[..., object]] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathering() -> Iterator[list[Callable[..., object]]]:
    """Return a list that every function is added to that is marked meanwhile, in this order."""
    found: list[Callable[..., object]] = []
    token = _gathered.set(found)
    try:
        yield found
    finally:
        _gathered.reset(token)
