"""From a file to its spec, all of it checked: whatever is wrong is one line with the file's name."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType

from samestep import spec as classes
from samestep.catalog.global_generators import untouched
from samestep.catalog.roots import written
from samestep.catalog.spec_calls import called, check_calls
from samestep.catalog.spec_fields import Wrong, check_fields, fails
from samestep.catalog.spec_names import check_names
from samestep.errors import SamestepError
from samestep.nearest_name import did_you_mean
from samestep.spec import Spec

CLASSES = (classes.Spec, classes.Case, classes.Task, classes.Inputs)

#: How Python says that a dataclass has no such field, or that one was not given.
NO_FIELD = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
NOT_GIVEN = re.compile(r"(\w+)\.__init__\(\) missing \d+ required positional arguments?: (.*)")


def read_spec(path: Path, load: Callable[[], ModuleType]) -> Spec:
    """Return the SPEC of the file that ``load`` imports, checked.

    Raises SamestepError, in one line with the file and the place, for whatever is wrong with it.
    """
    try:
        spec = _spec_of(_imported(load))
        check_fields("", spec)
        check_names(spec)
        check_calls(spec)
    except Wrong as wrong:
        raise in_file(path, wrong) from wrong
    return spec


def in_file(path: Path, wrong: Wrong) -> SamestepError:
    """Return the error of a spec with its file, and with the line where that raised the error's cause."""
    return SamestepError(f"{_place(path, wrong)}: {_as_meant(wrong)}")


def _place(path: Path, wrong: Wrong) -> str:
    cause, line = wrong.__cause__, None
    if isinstance(cause, SyntaxError) and cause.filename == str(path):
        line = cause.lineno
    elif cause is not None:
        frames = traceback.walk_tb(cause.__traceback__)
        line = next((at for frame, at in reversed([*frames]) if frame.f_code.co_filename == str(path)), None)
    return f"{written(path)}:{line}" if line else written(path)


def _imported(load: Callable[[], ModuleType]) -> ModuleType:
    """Import the file, and see that it draws nothing: every worker would draw other values."""
    with untouched("the file", ", and every process has other values: draw in make_inputs"):
        return called("the file", load)


def _spec_of(module: ModuleType) -> Spec:
    values = vars(module)
    if "SPEC" not in values:
        others = [name for name, value in values.items() if isinstance(value, Spec)]
        hint = f"; name it SPEC, not {others[0]}" if others else did_you_mean("SPEC", values)
        raise Wrong(f"the file defines no SPEC: write SPEC = Spec(...){hint}")
    spec = values["SPEC"]
    if isinstance(spec, tuple) and len(spec) == 1:
        raise Wrong("SPEC is a tuple: drop the comma behind Spec(...)")
    if not isinstance(spec, Spec):
        raise fails("SPEC", spec, "a samestep.spec.Spec")
    return spec


def _as_meant(wrong: Wrong) -> str:
    """Return the line; of fields that do not exist or lack with those that there are."""
    if not isinstance(wrong.__cause__, TypeError):
        return str(wrong)
    known: Mapping[str, object] = vars(classes)
    for pattern in (NO_FIELD, NOT_GIVEN):
        found = pattern.search(str(wrong.__cause__))
        kind = known.get(found[1]) if found else None
        if found and kind in CLASSES:
            there = [field.name for field in fields(kind)]
            if pattern is NOT_GIVEN:
                return f"{found[1]} lacks {found[2]}"
            hint = did_you_mean(found[2], there)
            return f"{found[1]} has no field {found[2]!r}; it has {', '.join(there)}{hint}"
    return str(wrong)
