"""The functions of a spec, called: what they raise, and what they return for each case."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from numbers import Real
from typing import TypeVar

from samestep.catalog.spec_fields import NUMBERS, TEXTS, Wrong, fails, unknown
from samestep.spec import Case, Spec

R = TypeVar("R")


def called(what: str, function: Callable[..., R], *arguments: object) -> R:
    """Return what a function of the user's returns; raise `Wrong`, its cause the error, for whatever it
    raises. What it prints goes to standard error: on standard output there may be a document."""
    try:
        with redirect_stdout(sys.stderr):
            return function(*arguments)
    except (Exception, SystemExit) as error:
        raise Wrong(f"{what} {raised(error)}") from error


def raised(error: BaseException) -> str:
    """Return what an error does, in words and one line."""
    if isinstance(error, SystemExit):
        return f"ends the process (sys.exit({error.code!r})): raise an error instead"
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    lines = text.strip().splitlines()
    return f"raises {type(error).__name__}{': ' if lines else ''}{lines[0][:200] if lines else ''}"


def check_calls(spec: Spec) -> None:
    """Raise `Wrong` for the first function that raises or returns what it may not, at any case."""
    known = dict.fromkeys(number for case in spec.cases.values() for number in case.numbers)
    for name, case in spec.cases.items():
        for task, about in spec.tasks.items():
            _check_flops(f"tasks[{task!r}].flops at case {name}", about.flops, case)
        axes = called(f"axes at case {name}", spec.axes, case)
        TEXTS(f"axes at case {name}", axes)
        if not case.sizes:
            continue
        scaled = called(f"scaled at the sizes of {name}", spec.scaled, dict(case.sizes))
        NUMBERS(f"scaled at the sizes of {name}", scaled)
        for number in scaled:
            if number not in known:
                raise unknown("scaled", number, "a number of a case", known)


def _check_flops(place: str, flops: Callable[[Case], object], case: Case) -> None:
    value = called(place, flops, case)
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < math.inf:
        raise fails(place, value, "the number of operations, 0.0 where there is no matrix product")
