"""A free run: how far a candidate gets from the reference when nobody sets it right. Reported, never judged.

Honest float32 and float64 part on a network whose errors grow, and on one whose updates are smaller than half
a unit in the last place of the weights, training stops being felt: then two correct losses may differ by a
factor of thousands, and neither is wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.findings import FreeRun
from samestep.agreement.reference.run import Point, Reference
from samestep.agreement.verdict import Invalid


def trajectory(candidate: Candidate, reference: Reference, longest: int) -> FreeRun:
    """The leading training task, step after step, beside the reference in float64; as many steps as the
    case has, ``longest`` at most."""
    training = candidate.training()
    if not training:
        raise Invalid("no training task")
    task = training[0]
    state, values = candidate.adopt(candidate.params), dict(candidate.params)
    ahead = reference.first(task, candidate.point)
    distance, losses, absorbed = [], [], []
    counts = [candidate.steps(name) for name in candidate.spec.tasks]
    for step in range(min([longest, *(count for count in counts if count)])):
        outputs, state = candidate.run(Place(step, task), state, steps=1)
        exact = reference.exact(task, ahead)
        new = candidate.export(state, exact.state)
        absorbed.append(_absorbed(values, new, ahead, exact.state))
        distance.append(_apart(new, exact.state))
        losses.append(_apart(_loss(outputs), _loss(exact.outputs)))
        values, ahead = new, ahead.at(exact.state)
    return FreeRun(
        task, distance, losses, absorbed, _growth(distance),
        next((step for step, part in enumerate(absorbed) if part > 1 / 2), None),
    )  # fmt: skip


def _loss(outputs: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: value for name, value in outputs.items() if name in ("loss", "losses")}


def _apart(got: dict[str, Any], expected: dict[str, Any]) -> float:
    """The norm of the difference over the norm, over all floating tensors together."""
    names = [name for name, value in expected.items() if np.asarray(value).dtype.kind == "f"]
    away = sum(float(np.square(got[name].astype(np.float64) - expected[name]).sum()) for name in names)
    length = sum(float(np.square(expected[name]).sum()) for name in names)
    return float((away / length) ** 0.5) if length else 0.0


def _absorbed(before: dict[str, Any], after: dict[str, Any], ahead: Point, exact: dict[str, Any]) -> float:
    moved = still = 0
    for name, value in ahead.params.items():
        if np.asarray(value).dtype.kind == "f" and name in before:
            wanted = exact[name] != value
            moved += int(wanted.sum())
            still += int((wanted & (after[name] == before[name])).sum())
    return still / moved if moved else 0.0


def _growth(distance: list[float]) -> float | None:
    """exp of the slope of log distance over the steps that have one."""
    steps = [(step, value) for step, value in enumerate(distance) if 0 < value < np.inf]
    if len(steps) < 3:
        return None
    x, y = np.array(steps).T
    return float(np.exp(np.polyfit(x, np.log(y), 1)[0]))
