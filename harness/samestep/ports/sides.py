"""The marked functions of a port file, each seen to be one that can make a model."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from samestep.catalog.roots import written
from samestep.catalog.spec_fields import Wrong, shown
from samestep.errors import SamestepError
from samestep.models.options import contract_of, layers_of
from samestep.nearest_name import did_you_mean
from samestep.ports.marking import CANDIDATE, REFERENCE, Mark, mark_of
from samestep.ports.port_file import Side
from samestep.ports.written_in import FRAMEWORKS, framework_of


def at(path: Path, line: int, text: object) -> SamestepError:
    """Return an error with its file and line."""
    return SamestepError(f"{written(path)}:{line}: {text}")


def line_in(path: Path, error: BaseException | None) -> int | None:
    """Return the last line of a file that an error passed through; None where it passed through none."""
    walked = traceback.walk_tb(error.__traceback__ if error else None)
    return next((line for frame, line in reversed([*walked]) if frame.f_code.co_filename == str(path)), None)


def sides_of(path: Path, values: Mapping[str, object], marked: Sequence[Callable[..., object]]) -> list[Side]:
    """Return the marked functions in the order in which they stand in the file."""
    functions = {id(inspect.unwrap(one)): one for one in values.values() if callable(one) and mark_of(one)}
    for lost in marked:
        if id(lost) not in functions and lost.__code__.co_filename == str(path):
            line, name = lost.__code__.co_firstlineno, lost.__name__
            raise at(
                path, line, f"{name} is marked, and something else has its name further down: rename one"
            )
    found = sorted((_side(path, one) for one in functions.values()), key=lambda side: side.lines)
    names = [side.name for side in found]
    for number, side in enumerate(found):
        if side.name in names[:number]:
            first = found[names.index(side.name)]
            raise at(
                path,
                side.lines[0],
                f"{side.name} is the name in line {first.lines[0]}, too: give one a name=",
            )
    return found


def _side(path: Path, function: Callable[..., object]) -> Side:
    mark, plain = mark_of(function), inspect.unwrap(function)
    assert mark is not None
    line = plain.__code__.co_firstlineno
    source = Path(plain.__code__.co_filename)
    try:
        takes_params = _takes_params(mark, function)
        _check_mark(mark)
        framework = mark.framework or framework_of(source, plain.__name__, line)
    except (SamestepError, Wrong) as wrong:
        raise at(source, line, wrong) from wrong
    lines = line, line + len(inspect.getsourcelines(plain)[0]) - 1
    return Side(mark, function, framework, lines, takes_params)


def _takes_params(mark: Mark, function: Callable[..., object]) -> bool:
    """Return whether a function is to be given the reference's parameters; a reference takes nothing."""
    needed = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    if len(needed) > (mark.role == CANDIDATE):
        allowed = "nothing" if mark.role == REFERENCE else "nothing, or the reference's parameters: (params)"
        raise Wrong(f"{mark.name} takes {', '.join(needed)}; a {mark.role} takes {allowed}")
    return bool(needed)


def _check_mark(mark: Mark) -> None:
    """Raise `Wrong` or SamestepError for what a mark says that cannot be."""
    contract_of(mark.contract)
    layers_of(mark.layers)
    for name in ("loss", "convert", "optimizer"):
        value = getattr(mark, name)
        if value is not None and not callable(value):
            raise Wrong(f"{name}= is {shown(value)}, expected a function")
    if mark.framework is not None and mark.framework not in FRAMEWORKS.values():
        known = sorted(set(FRAMEWORKS.values()))
        hint = did_you_mean(str(mark.framework), known)
        raise Wrong(f"framework={mark.framework!r} is not one of {', '.join(known)}{hint}")
