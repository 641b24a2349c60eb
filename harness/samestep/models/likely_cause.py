"""What the first difference looks like, fitted on the layer by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from samestep.agreement.verdict import DISAGREE, Diagnosis
from samestep.models.between_layers import between_layers
from samestep.models.fitting.difference import Difference
from samestep.models.fitting.fit import Fitted, fit
from samestep.models.fitting.layer_kinds import layer_kind
from samestep.models.judged import JudgedTensor
from samestep.models.judging import Comparison
from samestep.models.layer_context import context_of, contexts_around
from samestep.models.optimizer_check import StepsComparison
from samestep.models.result import First
from samestep.models.tensors import GRADIENTS, Role, TensorKey


def placed_between(forced: Comparison, place: First) -> tuple[First, Fitted | None]:
    """Return a place that says between which layers it lies, and the mistake there, where that is known."""
    tensor = _wrong(forced.judged, place.tensor)
    if tensor is None or tensor.key.role is not Role.LAYER:
        return place, None
    found = between_layers(forced, _difference(forced, tensor), tensor)
    if found is None:
        return place, None
    return replace(place, between=(found.before, tensor.key.name)), found.diagnosis


def diagnose(
    comparison: Comparison, forced: Comparison | None, steps: StepsComparison | None, first: First | None
) -> Diagnosis | None:
    """Return what the first difference looks like; None where nothing that is tried explains it.

    It is fitted on the ``forced`` run, where the layer's inputs are the candidate's own; without one, on the
    free run. A difference that begins in the ``steps`` of an optimiser is fitted there.
    """
    if first is None:
        return None
    for place in (forced, comparison):
        tensor = _wrong(place.judged, first.tensor) if place is not None else None
        if place is not None and tensor is not None:
            return _of_loss(place) if tensor.key.role is Role.LOSS else _fitted(place, tensor)
    tensor = _wrong(steps.judged, first.tensor) if steps is not None else None
    return None if steps is None or tensor is None else _of_update(steps, tensor)


def _wrong(judged: tuple[JudgedTensor, ...], name: str) -> JudgedTensor | None:
    return next((t for t in judged if t.state == DISAGREE and str(t.key) == name), None)


def _of_loss(comparison: Comparison) -> Fitted | None:
    """A loss is one number, which much explains: the gradients that it makes are looked at as well."""
    roles = (Role.LOSS, Role.LAYER_GRADIENT)
    wrong = {
        t.key.role: t for t in reversed(comparison.judged) if t.state == DISAGREE and t.key.role in roles
    }
    found = [_fitted(comparison, wrong[role]) for role in roles if role in wrong]
    certain = [one for one in found if one is not None and one.certain]
    return certain[0] if certain else found[0]


def _fitted(comparison: Comparison, tensor: JudgedTensor) -> Fitted | None:
    """What explains a tensor in its own layer, else an attention around it by its own pieces."""
    difference = _difference(comparison, tensor)
    if difference is None:
        return None
    found = fit(difference)
    if found is not None and found.is_cause:
        return found
    for context in contexts_around(comparison, tensor.key):
        if layer_kind(context.kind) == "attention":
            inside = fit(replace(difference, **vars(context)))
            return inside if inside is not None and inside.certain else found
    return found


def _difference(comparison: Comparison, tensor: JudgedTensor) -> Difference | None:
    """The tensor as both sides have it: the exact values, or the candidate's own where it has none."""
    key, run, expected = tensor.key, comparison.run, comparison.expected
    is_exact = run.exact is not None and tensor.is_another_function
    shown = run.exact if is_exact and run.exact is not None else run.tensors
    got, wanted = comparison.links.comparable(shown).get(key), expected.exact.get(key)
    if got is None or wanted is None or got.shape != wanted.shape:
        return None
    if key in expected.spreads and not is_exact:
        sigma = expected.spreads[key].sigma.astype(np.float64)
    else:
        sigma = expected.double.get(key, np.zeros(wanted.shape))
    before = comparison.sides.candidate.state().get(key.name) if key.role is Role.STATE else None
    arrays = {"expected": wanted, "got": got, "sigma": sigma} | ({} if before is None else {"before": before})
    context = context_of(comparison, key)
    return Difference(
        context.kind, context.settings, context.inputs, context.parameters,
        **_as_the_reference_has_it(comparison, key, arrays), role=key.role, tensor=str(key),
    )  # fmt: skip


def _as_the_reference_has_it(
    comparison: Comparison, key: TensorKey, arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The same arrays in the shape of the one tensor of the reference that they are, in float64.

    A layer is recomputed as the reference computes it. Gradients need none of that, and stay.
    """
    plain = {name: array.astype(np.float64) for name, array in arrays.items()}
    theirs = comparison.links.name_of(key)[0]
    if key.role in GRADIENTS or len(theirs) != 1:
        return plain
    turned = {name: comparison.links.to_reference({key: array}) for name, array in plain.items()}
    if any(theirs[0] not in tensors for tensors in turned.values()):
        return plain
    return {name: tensors[theirs[0]] for name, tensors in turned.items()}


def _of_update(steps: StepsComparison, tensor: JudgedTensor) -> Fitted | None:
    """An optimiser's update: what one step changed, from the gradients of all steps so far."""
    key, given = tensor.key, steps.given
    step, name = key.step_and_parameter
    before = given.params[step][name].astype(np.float64)
    got, is_exact = steps.got(tensor)
    change = got.astype(np.float64) - before
    spread = steps.expected.spreads[key].sigma.astype(np.float64)
    return fit(
        Difference(
            f"update:{steps.optimizer.kind}" if steps.optimizer else key.role.value,
            steps.optimizer.settings if steps.optimizer else {},
            tuple(gradients[name].astype(np.float64) for gradients in given.gradients[: step + 1]),
            {str(t): params[name].astype(np.float64) for t, params in enumerate(given.params[:step])},
            steps.expected.exact[key] - before,
            change if is_exact else change.astype(np.float32).astype(np.float64),
            steps.expected.double[key] if is_exact else spread,
            before,
            key.role,
            name,
        )
    )
