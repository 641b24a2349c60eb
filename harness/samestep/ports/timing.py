"""A side of a port file as the module of an implementation, whose tasks are timed."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from samestep.frameworks import Unavailable
from samestep.models.asked import ask
from samestep.models.losses import NAMES as LOSSES
from samestep.models.opening import open_subject
from samestep.models.subject import Subject
from samestep.models.timed_model import Recipe, TimedModel
from samestep.ports.building import (
    build_candidate,
    build_reference,
    loss_of,
    optimizer_of,
    read_weights,
)
from samestep.ports.port_file import PortFile
from samestep.ports.workload import TRAIN_STEP

#: Where each framework's way of timing a model is.
TIMED = {
    "torch": "samestep.models.torch.timed",
    "jax": "samestep.models.jax.timed",
    "numpy": "samestep.models.timed_function",
}


#: What a timed module has beside its tasks.
FUNCTIONS = ("asarray", "adopt", "export", "forward", TRAIN_STEP)


def timed_module(port: PortFile, name: str, weights: Path | None, seed: int) -> ModuleType:
    """Return a side of a port file as a module: its forward pass, and its training step if it has gradients.

    A candidate is made with the ``weights`` that `samestep.ports.building.write_weights` wrote. Raises
    `samestep.ports.building.NotBuilt` and `samestep.models.subject.ModelError` where it cannot be made.
    """
    sys.path.append(str(port.path.parent))  # calls may import what lies beside the file as well
    side = port.side(name)
    model = (
        build_reference(port)
        if side is port.reference
        else build_candidate(port, side, read_weights(weights))
    )
    inputs, targets = port.drawn(np.random.default_rng(seed))
    loss = loss_of(port, side)
    question = ask(inputs, None if loss is None else LOSSES[0], targets, seed).candidate
    timed = _timed_model(model, Recipe(replace(question, loss=loss), optimizer_of(port, side)))
    module = ModuleType(f"{port.path.stem}.{name}")
    for function in FUNCTIONS:
        if hasattr(timed, function):
            setattr(module, function, getattr(timed, function))
    return module


def _timed_model(model: object, recipe: Recipe) -> TimedModel:
    """Return a model of any framework as something to be timed.

    Raises `samestep.frameworks.Unavailable` for one of a framework without a way yet.
    """
    subject: Subject = open_subject(model, "the model")
    if subject.framework not in TIMED:
        names = ", ".join(TIMED)
        raise Unavailable(
            f"{subject.describe()}: models of {subject.framework} are not timed yet, those of {names} are"
        )
    timed: TimedModel = import_module(TIMED[subject.framework]).timed(subject, recipe)
    return timed
