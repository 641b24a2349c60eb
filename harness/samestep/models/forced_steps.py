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
from samestep.models.tensors import Role, TensorKey, Tensors, of_role

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class CandidateSteps:
    """The steps as the candidate really made them: what it stepped from, and the new parameters.

    ``after`` holds the new parameters by `Role.UPDATE`, under ``"{step}:{parameter}"``.
    """

    steps: Steps
    after: Tensors


def run_candidate_steps(
    candidate: Subject, optimizer: object, question: Question, count: int, held: np.dtype
) -> CandidateSteps:
    """Return ``count`` steps of the candidate's own training. Raises `ModelError`.

    Each starts from numbers that ``held`` holds: float64 where both sides have it, else float32.
    """
    params: list[Values] = [candidate.parameters()]
    gradients: list[Values] = []
    updates: Tensors = {}
    for step in range(count):
        tensors = candidate.with_values(params[step], {}).run(question)
        slopes = of_role(tensors, Role.GRADIENT)
        gradients.append({name: _in(value, held) for name, value in slopes.items()})
        if not gradients[step]:
            raise ModelError("optimizer= needs parameters with gradients, and the candidate has none")
        updates = candidate.run_steps(optimizer, Steps(tuple(params), tuple(gradients)))
        moved = _moved(params[step], updates, step)
        params.append({name: _in(value, held) for name, value in moved.items()})
    steps = Steps(tuple(params[:count]), tuple(gradients))
    made = after(updates, steps)
    return CandidateSteps(steps, {key: x.astype(_dtype(key, steps)) for key, x in made.items()})


def candidate_steps_at(
    candidate: Subject, optimizer: object, recorded: Steps, links: Correspondence
) -> CandidateSteps:
    """Return the candidate's steps from what a recorded reference stepped from. Raises `ModelError`.

    What is made of the reference's parameters by sums or factors stays as the candidate has it, and without
    a gradient of its own: of that nothing was recorded.
    """
    own = candidate.parameters()
    plain = [name for name in links.parameters.first_copies if not links.parameters.links[name].is_computed]
    params, gradients = [], []
    for values, slopes in zip(recorded.params, recorded.gradients, strict=True):
        moved, given = links.parameters.apply(values), links.parameters.apply(slopes)
        params.append({**own, **{name: moved[name].astype(own[name].dtype) for name in plain}})
        gradients.append({name: given[name].astype(own[name].dtype) for name in plain if name in given})
    steps = Steps(tuple(params), tuple(gradients))
    made = after(candidate.run_steps(optimizer, steps), steps)
    shown = {key: x for key, x in made.items() if key.step_and_parameter[1] in gradients[0]}
    return CandidateSteps(steps, {key: x.astype(_dtype(key, steps)) for key, x in shown.items()})


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
    """Return the same steps under the reference's names and in its shapes.

    A weight that the candidate holds twice has the sum of its gradients: the reference trains one weight.
    """
    parameters = links.parameters
    return Steps(
        tuple(parameters.to_reference(values) for values in steps.params),
        tuple(parameters.gradients_to_reference(values) for values in steps.gradients),
    )


def _given(key: TensorKey, steps: Steps) -> np.ndarray:
    step, parameter = key.step_and_parameter
    return steps.params[step][parameter].astype(np.float64)


def _in(value: np.ndarray, held: np.dtype) -> np.ndarray:
    """A float64 array of numbers that ``held`` holds; others as they are."""
    return value.astype(held).astype(value.dtype) if value.dtype == np.float64 else value


def _dtype(key: TensorKey, steps: Steps) -> np.dtype:
    """What a parameter is held in: float64, or float32, which holds what NumPy lacks."""
    step, parameter = key.step_and_parameter
    wide = steps.params[step][parameter].dtype == np.float64
    return np.dtype(np.float64 if wide else np.float32)


def _moved(params: Values, updates: Tensors, step: int) -> dict[str, np.ndarray]:
    moved = {}
    for name, value in params.items():
        update = updates.get(TensorKey.of_update(step, name))
        moved[name] = value if update is None else (value.astype(np.float64) + update).astype(value.dtype)
    return moved
