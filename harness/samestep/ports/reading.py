"""From a port file to what it defines: every slip of a user is one line, with the file and the line."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from samestep.catalog.importing import import_file
from samestep.catalog.roots import written
from samestep.catalog.source_facts import first_paragraph, source_facts
from samestep.catalog.spec_calls import called
from samestep.catalog.spec_fields import Wrong, shown
from samestep.catalog.spec_file import in_file
from samestep.errors import SamestepError
from samestep.models.losses import NAMES as LOSSES
from samestep.models.options import layers_of
from samestep.models.subject import ModelError
from samestep.nearest_name import did_you_mean
from samestep.ports.drawn import check_drawn
from samestep.ports.marking import CANDIDATE, REFERENCE, gathering
from samestep.ports.misspelled import NAMES, misspelled
from samestep.ports.port_file import PortFile, Side
from samestep.ports.sides import at, sides_of

#: How the name of a port file's module begins.
MODULE = "port_"

LIKE_THIS = "`samestep new my_port.py` writes a file that has all it needs"


@contextmanager
def beside(path: Path) -> Iterator[None]:
    """Let the file's code import what lies beside it, as when Python runs it."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def is_port(text: str) -> bool:
    """Return whether a word of the command line means a port file, and no selector."""
    return text.endswith(".py")


def load(path: str | Path, seed: int = 0) -> PortFile:
    """Import a port file and return what it defines; samestep itself imports no framework for it.

    Raises SamestepError, in one line with the file and the line where it is known, for whatever is wrong with
    it; the inputs and targets of the ``seed`` are made as well, to see that they are right.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise SamestepError(f"{written(path)}: {what}; `samestep new {written(path)}` writes a port file")
    path = path.resolve()
    source_facts(path)
    try:
        with beside(path), gathering() as marked:
            module = _imported(path)
            for line, name, meant in misspelled(path):
                raise at(
                    path,
                    line,
                    f"nothing reads {name}; did you mean {meant}? samestep reads {', '.join(NAMES)}",
                )
            port = _defined(path, vars(module), marked)
            check_drawn(port, seed)
    except Wrong as wrong:
        raise in_file(path, wrong) from wrong
    except ModelError as error:
        raise SamestepError(f"{written(path)}: {error}") from error
    return port


def _imported(path: Path) -> ModuleType:
    try:
        return called("the file", lambda: import_file(path, f"{MODULE}{path.stem}"))
    except Wrong as wrong:
        if isinstance(wrong.__cause__, SamestepError):  # of a mark
            raise Wrong(str(wrong.__cause__)) from wrong.__cause__
        if isinstance(wrong.__cause__, ModuleNotFoundError):
            inside = "import what only some sides need inside of their functions"
            raise Wrong(f"{wrong}; {inside}") from wrong.__cause__
        raise


def _defined(path: Path, values: Mapping[str, object], marked: Sequence[Callable[..., object]]) -> PortFile:
    sides = sides_of(path, values, marked)
    reference = _the_reference([side for side in sides if side.mark.role == REFERENCE])
    candidates = [side for side in sides if side.mark.role == CANDIDATE]
    if not candidates:
        raise Wrong(f"no function is marked with @samestep.candidate; {LIKE_THIS}")
    make_inputs = _function(values, "inputs", "rng")
    if make_inputs is None:
        raise Wrong(
            "there is no inputs(rng): write a function that returns a tuple or dict of NumPy arrays, drawn "
            "from rng, which is a numpy.random.Generator"
        )
    return PortFile(
        path=path,
        summary=first_paragraph(inspect.cleandoc(str(values.get("__doc__") or ""))),
        reference=reference,
        candidates=candidates,
        make_inputs=make_inputs,
        make_targets=_function(values, "targets", "rng"),
        loss=_loss(values.get("loss")),
        convert=_function(values, "convert", "params"),
        convert_state=_function(values, "convert_state", "state"),
        layers=layers_of(values.get("LAYERS")),
    )


def _the_reference(marked: Sequence[Side]) -> Side:
    if len(marked) == 1:
        return marked[0]
    if not marked:
        raise Wrong(f"no function is marked with @samestep.reference; {LIKE_THIS}")
    places = " and ".join(f"{side.name} (line {side.lines[0]})" for side in marked)
    raise Wrong(f"there are {len(marked)} references, {places}: keep one, and mark the others as candidates")


def _function(values: Mapping[str, object], name: str, argument: str) -> Callable[..., object] | None:
    """Return a function of one argument; None where there is none."""
    value = values.get(name)
    if value is None:
        return None
    if not callable(value) or isinstance(value, type):
        raise Wrong(f"{name} is {shown(value)}, expected a function: def {name}({argument})")
    try:
        inspect.signature(value).bind(argument)
    except TypeError:
        raise Wrong(f"{name} takes {inspect.signature(value)}, expected a function of ({argument})") from None
    return value


def _loss(value: object) -> str | Callable[..., object] | None:
    if value is None or callable(value):
        return value
    if isinstance(value, str):
        if value not in LOSSES:
            names = ", ".join(LOSSES)
            raise Wrong(
                f"loss is {value!r}, expected one of {names}, or a function{did_you_mean(value, LOSSES)}"
            )
        return value
    if isinstance(value, tuple | list):
        raise Wrong("loss is a pair: give each side its own, with loss= in its mark")
    raise Wrong(f"loss is {shown(value)}, expected a name or a function of (outputs, targets)")
