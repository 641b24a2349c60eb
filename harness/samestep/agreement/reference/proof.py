"""The proof of the reference, before any cell of its workload: what its tasks return, and its derivatives.

Whatever is wrong in the reference would make every correct implementation disagree. So it must return what
the spec says, in the shapes and dtypes of the params, and its gradients must be the derivatives of its loss.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from samestep.agreement.reference.derivative_check import check_derivatives
from samestep.agreement.reference.run import Point, Reference
from samestep.agreement.verdict import Disagreement, Refuted


def prove(reference: Reference, point: Point) -> None:
    """Check the reference in float64 at ``point``, whatever dtype its candidates have.

    Raises `Refuted`, with the place, where it is wrong, and
    `samestep.agreement.arithmetic.unknown_operation.UnknownOperation` where it does what cannot be followed.
    """
    point = _in_float64(point)
    reference = Reference(reference.module, reference.spec, "float64")
    _check_state(reference, point)
    for task in reference.spec.tasks:
        if not reference.offers(task):
            raise Refuted(f"no {task}, which the spec has as a task")
        _check_task(reference, task, point)
    if reference.offers("trace"):
        _check_trace(reference, point)
    try:
        check_derivatives(reference, point)
    except Disagreement as found:
        raise Refuted(str(found)) from found


def _in_float64(point: Point) -> Point:
    def wide(array: np.ndarray) -> np.ndarray:
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    params = {name: wide(array) for name, array in point.params.items()}
    return replace(point, params=params, arrays={name: wide(array) for name, array in point.arrays.items()})


def _called(module: ModuleType, what: str, call: Callable[[], Any]) -> Any:
    """Call the reference's own code; what it raises refutes it, with the line."""
    try:
        return call()
    except Exception as error:  # whatever it raises on plain NumPy arrays is its own fault
        lines = str(error).strip().splitlines() or ["no message"]
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == module.__file__]
        place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
        raise Refuted(f"{what} raises {type(error).__name__}: {lines[0]}{place}") from error


def _check_state(reference: Reference, point: Point) -> None:
    module, params = reference.module, point.params
    for name in ("adopt", "export"):
        if not reference.offers(name):
            raise Refuted(f"no {name}: every implementation has adopt and export")
    copies = {name: array.copy() for name, array in params.items()}
    exported = _called(module, "export(adopt(params))", lambda: module.export(module.adopt(copies)))
    _check_params("export(adopt(params))", exported, params)


def _check_task(reference: Reference, task: str, point: Point) -> None:
    """What one call, or its first step, returns."""
    outputs, params = reference.spec.tasks[task].outputs, point.params
    inputs = reference.first_steps(task, point)
    returned = _called(reference.module, task, lambda: reference.returned(task, inputs))
    values = returned if len(outputs) > 1 else (returned,)
    if not isinstance(values, tuple | list) or len(values) != len(outputs):
        got = f"a tuple of {len(values)}" if isinstance(values, tuple) else f"a {type(values).__name__}"
        raise Refuted(f"{task} returns {got}, expected ({', '.join(outputs)})")
    for name, value in zip(outputs, values, strict=True):
        if name == "state":
            new = _called(reference.module, "export", partial(reference.module.export, value))
            _check_params(f"the new state of {task}", new, params, may_grow=True)
        elif name == "grads":
            names = reference.spec.differentiated(params)
            _check_params(f"grads of {task}", value, {name: params[name] for name in names})
        else:
            _check_array(f"{task}: {name}", value)


def _check_trace(reference: Reference, point: Point) -> None:
    shown = _called(reference.module, "trace", lambda: reference.returned("trace", point))
    names = reference.spec.trace
    if not isinstance(shown, Mapping):
        raise Refuted(f"trace returns a {type(shown).__name__}, expected a dict of arrays")
    for name in shown:
        if name not in names:
            raise Refuted(f"trace returns {name!r}; the spec has {', '.join(names) or 'no trace'}")
    for name, found in shown.items():
        value, of = _check_array(f"trace: {name}", found), name.removeprefix("grad_")
        if of != name and of in point.params:
            _check_shape(f"trace: {name}", value, point.params[of])


def _check_params(what: str, got: object, params: Mapping[str, np.ndarray], may_grow: bool = False) -> None:
    """Names, shapes and kinds: an optimiser adds to the state what it keeps, if it ``may_grow``."""
    if not isinstance(got, Mapping):
        raise Refuted(f"{what} is a {type(got).__name__}, expected a dict of arrays")
    missing = [name for name in params if name not in got]
    unknown = [] if may_grow else [name for name in got if name not in params]
    if missing or unknown:
        raise Refuted(f"{what} has {', '.join(map(str, got)) or 'no name'}; expected {', '.join(params)}")
    for name, value in got.items():
        array = _check_array(f"{what}: {name}", value)
        if name in params:
            _check_shape(f"{what}: {name}", array, params[name])


def _check_shape(what: str, got: np.ndarray, like: np.ndarray) -> None:
    if got.shape != like.shape:
        raise Refuted(f"{what} has shape {got.shape}, expected {like.shape}")
    if got.dtype != like.dtype:
        raise Refuted(f"{what} is {got.dtype}, expected {like.dtype}")


def _check_array(what: str, value: object) -> np.ndarray:
    """A number or an array: in float64, where everything is, integers or bools."""
    if not isinstance(value, np.ndarray | np.generic | float | int):
        raise Refuted(f"{what} is a {type(value).__name__}, expected an array")
    array = np.asarray(value)
    if array.dtype.kind not in "iub" and array.dtype != np.float64:
        raise Refuted(f"{what} is {array.dtype}, expected float64, which all its inputs are")
    return array
