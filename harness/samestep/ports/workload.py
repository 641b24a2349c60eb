"""A port file as a workload of the catalog: one case, whose inputs are the file's, and two tasks.

So that it is selected, planned, timed, recorded and reported like any other. Its reference and candidates are
the implementations; what is verified is not the tasks by a NumPy reference, but the models by
`samestep.compare` (`samestep.ports.compared`).
"""

from __future__ import annotations

import numpy as np

from samestep.catalog.ladder import Implementation
from samestep.models.asked import ask
from samestep.models.losses import NAMES as LOSSES
from samestep.ports.port_file import PortFile, Side
from samestep.spec import Case, Inputs, Spec, Task

#: The name of the only case: the inputs that the file gives.
CASE = "given"

FORWARD, TRAIN_STEP = "forward", "train_step"

#: The input that a training step gets last, where the file has a loss.
TARGETS = "targets"


def spec_of(port: PortFile) -> Spec:
    """Return the workload of a port file."""
    inputs = tuple(arrays_of(port, np.random.default_rng(0)))
    forward = tuple(name for name in inputs if name != TARGETS)

    def make_inputs(case: Case, rng: np.random.Generator, dataset: object) -> Inputs:
        return Inputs({}, arrays_of(port, rng))

    tasks = {
        FORWARD: Task(forward, ("outputs",), _unknown),
        TRAIN_STEP: Task(inputs, ("state", "loss"), _unknown),
    }
    case = Case(default=True, summary=port.summary)
    return Spec(port.summary, {CASE: case}, tasks, make_inputs, baseline=port.reference.name)


def _unknown(case: Case) -> float:
    """Nobody counts the operations of a user's model: no rate is reported."""
    return 0.0


def arrays_of(port: PortFile, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the inputs by name, and the targets, as `samestep.compare` takes them; floats in float64."""
    inputs, targets = port.drawn(rng)
    question = ask(inputs, None if targets is None else LOSSES[0], targets, 0).candidate
    positions = len(question.inputs) - len(question.keywords)
    names = [*(f"input_{number}" for number in range(positions)), *question.keywords]
    arrays = dict(zip(names, question.inputs, strict=True))
    if question.targets is not None:
        arrays[TARGETS] = question.targets
    return {name: array.astype(float) if array.dtype.kind == "f" else array for name, array in arrays.items()}


def implementation_of(port: PortFile, workload: str, side: Side) -> Implementation:
    """Return a marked function as an implementation; candidates are read after the reference."""
    after = None if side is port.reference else port.reference.name
    tasks = {FORWARD} if side.framework == "numpy" else {FORWARD, TRAIN_STEP}
    return Implementation(
        workload, side.name, port.path, side.framework, frozenset(tasks), after, lines=side.lines
    )
