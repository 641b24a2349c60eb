"""The models of a port file: its functions called, beside what they import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from samestep.catalog.spec_calls import called
from samestep.catalog.spec_fields import Wrong
from samestep.errors import SamestepError
from samestep.frameworks import Unavailable
from samestep.models.opening import open_subject
from samestep.models.subject import ModelError
from samestep.ports.port_file import PortFile, Side
from samestep.ports.reading import beside
from samestep.ports.sides import at, line_in
from samestep.records import sealed_arrays


class NotBuilt(Exception):
    """A function of a candidate's raised, or returned no model: one line with its place."""


def build_reference(port: PortFile) -> object:
    """Return the reference. Raises SamestepError, in one line with its place, where it cannot be made."""
    try:
        return _built(port, port.reference)
    except NotBuilt as error:
        raise SamestepError(str(error)) from error


def build_candidate(port: PortFile, side: Side, params: Mapping[str, np.ndarray]) -> object:
    """Return a candidate, made with the reference's parameters if it takes them. Raises `NotBuilt`."""
    return _built(port, side, *([dict(params)] if side.takes_params else []))


def params_of(reference: object) -> dict[str, np.ndarray]:
    """Return copies of a model's parameters and state by name, as candidates are given them."""
    subject = open_subject(reference, "reference")
    return {name: np.array(value) for name, value in {**subject.parameters(), **subject.state()}.items()}


def write_weights(port: PortFile, path: Path, reference: object = None) -> None:
    """Write the parameters and state of the reference, which is made if it is not given, for candidates in
    other processes. Raises SamestepError where it cannot be made."""
    params = params_of(build_reference(port) if reference is None else reference)
    sealed_arrays.write(path, {"port": port.path.name}, params)


def read_weights(path: Path | None) -> Mapping[str, np.ndarray]:
    """Return what `write_weights` wrote; nothing without a file."""
    return {} if path is None else sealed_arrays.read(path)[1]


def loss_of(port: PortFile, side: Side) -> str | Callable[..., object] | None:
    """Return the loss of a side: its own, or the file's."""
    return side.mark.loss or port.loss


def optimizer_of(port: PortFile, side: Side) -> object:
    """Return the optimiser of a side as `samestep.compare` takes it; None where there is none.

    Raises SamestepError where it cannot be made.
    """
    if side.mark.optimizer is None:
        return None
    try:
        with beside(port.path):
            return called(f"optimizer= of {side.name}", side.mark.optimizer)
    except Wrong as wrong:
        raise at(port.path, line_in(port.path, wrong.__cause__) or side.lines[0], wrong) from wrong


def _built(port: PortFile, side: Side, *arguments: object) -> object:
    """Return what a marked function returns. Raises `Unavailable` where it lacks a package."""
    try:
        with beside(port.path):
            model = called(side.name, side.build, *arguments)
    except Wrong as wrong:
        cause = wrong.__cause__
        if isinstance(cause, ModuleNotFoundError) and not isinstance(cause, ModelError):
            raise Unavailable(f"{side.name} needs {cause.name}, which is not installed") from cause
        raise NotBuilt(str(at(port.path, line_in(port.path, cause) or side.lines[0], wrong))) from cause
    if model is None:
        raise NotBuilt(str(at(port.path, side.lines[0], f"{side.name} returns nothing: return the model")))
    return model
