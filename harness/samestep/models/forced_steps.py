"""Optimiser steps, each forced: both sides step from the candidate's own parameters and gradients.

An optimiser's own state (moments, counts) follows from the gradients that it has seen, so it need not be
translated from one framework to the other: both optimisers see the same sequence of parameters and gradients
from the start, and each keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samestep.models.pairing.correspondence import Correspondence
from samestep.models.question import Question, Steps
from samestep.models.subject import ModelError, Subject
from samestep.models.tensors import Role, TensorKey, Tensors

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class CandidateSteps:
    """The steps as the candidate really made them: what it stepped from, and the new parameters.

    ``after`` holds the new parameters by `Role.UPDATE`, under ``"{step}:{parameter}"``.
    """

    steps: Steps
    after: Tensors


def run_candidate_steps(
    candidate: Subject, optimizer: object, question: Question, count: int
) -> CandidateSteps:
    """Return ``count`` steps of the candidate's own training. Raises `ModelError`."""
    params: list[Values] = [candidate.parameters()]
    gradients: list[Values] = []
    updates: Tensors = {}
    for step in range(count):
        tensors = candidate.with_values(params[step], {}).run(question)
        gradients.append({key.name: value for key, value in tensors.items() if key.role is Role.GRADIENT})
        if not gradients[step]:
            raise ModelError("optimizer= needs parameters with gradients, and the candidate has none")
        updates = candidate.run_steps(optimizer, Steps(tuple(params), tuple(gradients)))
        params.append(_moved(params[step], updates, step))
    steps = Steps(tuple(params[:count]), tuple(gradients))
    return CandidateSteps(
        steps, {key: value.astype(np.float32) for key, value in after(updates, steps).items()}
    )


def after(updates: Tensors, steps: Steps) -> dict[TensorKey, np.ndarray]:
    """Return the new parameters: what each step started from, plus its update, in float64."""
    return {key: _given(key, steps) + value for key, value in updates.items()}


def before(steps: Steps) -> dict[TensorKey, np.ndarray]:
    """Return what each step started from, under the keys of its update, in float64."""
    return {
        TensorKey.of_update(t, name): value.astype(np.float64)
        for t, params in enumerate(steps.params)
        for name, value in params.items()
    }


def to_reference(steps: Steps, links: Correspondence) -> Steps:
    """Return the same steps under the reference's names and in its shapes."""
    translate = links.parameters.to_reference
    return Steps(
        tuple(translate(values) for values in steps.params),
        tuple(translate(values) for values in steps.gradients),
    )


def _given(key: TensorKey, steps: Steps) -> np.ndarray:
    step, parameter = key.step_and_parameter
    return steps.params[step][parameter].astype(np.float64)


def _moved(params: Values, updates: Tensors, step: int) -> dict[str, np.ndarray]:
    moved = {}
    for name, value in params.items():
        update = updates.get(TensorKey.of_update(step, name))
        moved[name] = value if update is None else (value.astype(np.float64) + update).astype(value.dtype)
    return moved
