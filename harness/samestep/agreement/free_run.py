"""A free run: how far a candidate drifts from the reference when it is never reset. Reported, not judged.

Correct float32 and float64 diverge on a network whose errors grow. On one whose updates are smaller than half
a unit in the last place of the parameters, the updates are lost to rounding: then two correct losses may
differ by a factor of thousands, and neither is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.findings import FreeRun
from samestep.agreement.reference.run import Reference
from samestep.agreement.verdict import Invalid

Values = Mapping[str, np.ndarray]


def free_run(candidate: Candidate, reference: Reference, longest: int) -> FreeRun:
    """Return how the candidate diverges from the reference in its leading training task.

    Each goes on from its own state, for as many steps as the case has, ``longest`` at most. Raises `Invalid`
    where nothing trains.
    """
    training = candidate.training_tasks()
    if not training:
        raise Invalid("no training task")
    task = training[0]
    state, values = candidate.adopt(candidate.params), dict(candidate.params)
    point = reference.first_steps(task, candidate.point)
    distance, losses, absorbed = [], [], []
    counts = [candidate.steps(name) for name in candidate.spec.tasks]
    for step in range(min([longest, *(count for count in counts if count)])):
        outputs, state = candidate.run(Place(step, task), state, steps=1)
        exact = reference.exact(task, point)
        new = candidate.export(state, exact.state)
        moved = {name: point.params[name] for name in candidate.spec.differentiated(point.params)}
        absorbed.append(_absorbed_share(values, new, moved, exact.state))
        distance.append(_relative_distance(new, exact.state))
        losses.append(_relative_distance(_losses(outputs), _losses(exact.outputs)))
        values, point = new, point.with_params(exact.state)
    return FreeRun(
        task, distance, losses, absorbed, _growth(distance),
        next((step for step, share in enumerate(absorbed) if share > 1 / 2), None),
    )  # fmt: skip


def _losses(outputs: Values) -> Values:
    return {name: value for name, value in outputs.items() if name in ("loss", "losses")}


def _relative_distance(got: Values, expected: Values) -> float:
    """The norm of the difference over the norm, over all floating tensors together."""
    names = [name for name, value in expected.items() if value.dtype.kind == "f"]
    away = sum(float(np.square(got[name].astype(np.float64) - expected[name]).sum()) for name in names)
    length = sum(float(np.square(expected[name]).sum()) for name in names)
    return float((away / length) ** 0.5) if length else 0.0


def _absorbed_share(before: Values, after: Values, exact_before: Values, exact_after: Values) -> float:
    """Of the parameters that the reference moved, the share that the candidate's step left unchanged."""
    wanted = unchanged = 0
    for name, value in exact_before.items():
        if value.dtype.kind == "f" and name in before:
            should_move = exact_after[name] != value
            wanted += int(should_move.sum())
            unchanged += int((should_move & (after[name] == before[name])).sum())
    return unchanged / wanted if wanted else 0.0


def _growth(distance: list[float]) -> float | None:
    """exp of the slope of log distance over the steps that have one."""
    steps = [(step, value) for step, value in enumerate(distance) if 0 < value < np.inf]
    if len(steps) < 3:
        return None
    x, y = np.array(steps).T
    return float(np.exp(np.polyfit(x, np.log(y), 1)[0]))
