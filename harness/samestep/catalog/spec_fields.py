"""What each field of a spec may be: a check for each, which says what is allowed.

A field that `samestep.spec` gains needs a line in `FIELDS`; without it no spec at all can be read.
"""

from __future__ import annotations

import inspect
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import partial

from samestep.data import NAMES
from samestep.nearest_name import did_you_mean
from samestep.spec import Case, Spec, Task

#: Raises `Wrong` for a value at a place ("cases['small'].sizes") that is not allowed there.
Check = Callable[[str, object], None]


class Wrong(ValueError):
    """What is wrong with a spec, in one line: the place in it, the value, what is allowed, but no file."""


def check_fields(place: str, value: Spec | Case | Task) -> None:
    """Raise `Wrong` for the first field of a wrong type; ``place`` is where the value stands in its spec."""
    for field in fields(value):
        name = f"{place}.{field.name}" if place else field.name
        FIELDS[type(value)][field.name](name, getattr(value, field.name))


def unknown(place: str, name: str, what: str, there: Iterable[str]) -> Wrong:
    """Return the error of a name that does not exist: what there is, and which was probably meant."""
    names = list(there)
    return Wrong(
        f"{place}: {name!r} is not {what}; there are {', '.join(names) or 'none'}{did_you_mean(name, names)}"
    )


def shown(value: object) -> str:
    """Return a value for a message, short: numbers and texts as they are written, the type of all else."""
    if value is None or type(value) in (bool, int, float, str):
        return reprlib.repr(value) if value is not None else "None"
    kind = type(value)
    of = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"of type {of}{kind.__qualname__}"


def fails(place: str, value: object, expected: str) -> Wrong:
    """Return the error of a value that is not what is expected."""
    return Wrong(f"{place} is {shown(value)}, expected {expected}")


# -- the checks ----------------------------------------------------------------------------------------


def text(place: str, value: object) -> None:
    if not isinstance(value, str):
        raise fails(place, value, "text in quotes")


def optional_text(place: str, value: object) -> None:
    if value is not None:
        text(place, value)


def flag(place: str, value: object) -> None:
    if type(value) is not bool:
        raise fails(place, value, "True or False")


def whole_number(place: str, value: object) -> None:
    if type(value) is not int or value < 0:
        raise fails(place, value, "a whole number from 0 on")


def plain_number(place: str, value: object) -> None:
    """NumPy's scalars are left out: one of float64 makes float64 of the float32 arrays that it meets."""
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        raise fails(place, value, "a finite float or int of Python's own")


def dataset(place: str, value: object) -> None:
    if value is None:
        return
    text(place, value)
    if value not in NAMES:
        raise unknown(place, str(value), "a data set", NAMES)


def names(place: str, value: object) -> None:
    """A tuple of names, each once. ("x") is no tuple, and would be taken for its letters."""
    if isinstance(value, str):
        raise Wrong(f"{place} is the string {value!r}, expected a tuple of names: write ({value!r},)")
    if not isinstance(value, tuple):
        raise fails(place, value, "a tuple of names, as in ('x', 'y')")
    for number, name in enumerate(value):
        if not isinstance(name, str) or not name:
            raise fails(f"{place}[{number}]", name, "a name in quotes")
        if value.index(name) < number:
            raise Wrong(f"{place} names {name!r} twice")


def derivative(place: str, value: object) -> None:
    expected = "a tuple (output, input, weights), weights a name or None"
    if not isinstance(value, tuple):
        raise fails(place, value, expected)
    if len(value) != 3:
        raise Wrong(f"{place} is a tuple of {len(value)}, expected {expected}")
    for part in value[:2]:
        text(place, part)
    optional_text(place, value[2])


def takes(arguments: str, place: str, value: object) -> None:
    """A function that can be called with these arguments, by position."""
    if not callable(value):
        raise fails(place, value, f"a function of ({arguments})")
    try:
        inspect.signature(value).bind(*arguments.split(", "))
    except TypeError:
        got = inspect.signature(value)
        raise Wrong(f"{place} takes {got}, expected a function of ({arguments})") from None
    except ValueError:
        return  # something built in, of which Python does not know


def mapping(of: Check, what: str, place: str, value: object) -> None:
    """A dict from names to what ``of`` allows."""
    if not isinstance(value, Mapping):
        raise fails(place, value, f"a dict from names to {what}")
    for key, item in value.items():
        if not isinstance(key, str) or not key:
            raise Wrong(f"{place} has the key {shown(key)}, expected names in quotes")
        of(f"{place}[{key!r}]", item)


def whole(kind: type[Case] | type[Task], place: str, value: object) -> None:
    """A Case or a Task, and each field of it."""
    if not isinstance(value, kind):
        comma = ": drop the comma behind it" if isinstance(value, tuple) and len(value) == 1 else ""
        raise fails(place, value, f"a samestep.spec.{kind.__name__}{comma}")
    check_fields(place, value)


NUMBERS = partial(mapping, plain_number, "numbers")
WHOLES = partial(mapping, whole_number, "whole numbers")
TEXTS = partial(mapping, text, "texts")

FIELDS: dict[type, dict[str, Check]] = {
    Case: {
        "sizes": WHOLES,
        "numbers": NUMBERS,
        "dataset": dataset,
        "default": flag,
        "summary": text,
        "fixed": names,
        "at_most": WHOLES,
    },
    Task: {
        "inputs": names,
        "outputs": names,
        "flops": partial(takes, "case"),
        "steps": optional_text,
    },
    Spec: {
        "summary": text,
        "cases": partial(mapping, partial(whole, Case), "cases"),
        "tasks": partial(mapping, partial(whole, Task), "tasks"),
        "make_inputs": partial(takes, "case, rng, dataset"),
        "trace": names,
        "conventions": TEXTS,
        "baseline": text,
        "axes": partial(takes, "case"),
        "probes": names,
        "unsuited": TEXTS,
        "rate": text,
        "scaled": partial(takes, "sizes"),
        "derivatives": partial(mapping, derivative, "derivatives"),
        "probabilities": names,
        "state": names,
        "lesson": flag,
        "timed_where_selected": flag,
    },
}
