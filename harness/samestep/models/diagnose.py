"""What the first difference looks like, fitted on the layer by itself."""

from __future__ import annotations

import numpy as np

from samestep.agreement.verdict import Diagnosis
from samestep.models.comparison import Comparison
from samestep.models.fitting.difference import Difference
from samestep.models.fitting.fit import fit
from samestep.models.judged import JudgedTensor
from samestep.models.result import First
from samestep.models.subject import Layer
from samestep.models.tensors import Role, TensorKey, Tensors


def diagnose(comparison: Comparison, forced: Comparison | None, first: First | None) -> Diagnosis | None:
    """Return what the first difference looks like; None where nothing that is tried explains it.

    It is fitted on the ``forced`` run, where the layer's inputs are the candidate's own; without one, on the
    free run.
    """
    if first is None:
        return None
    place = forced if forced is not None else comparison
    tensor = _tensor_of(place, first) or _tensor_of(comparison, first)
    if tensor is None or tensor.key not in place.expected.exact:
        return None
    shown = place.run.exact if place.run.exact is not None else place.run.tensors
    got = place.links.comparable(shown).get(tensor.key)
    if got is None:
        return None
    return fit(_difference(place, tensor, got))


def _tensor_of(comparison: Comparison, first: First) -> JudgedTensor | None:
    wrong = [t for t in comparison.judged if t.state == "disagree"]
    return next((t for t in wrong if str(t.key) == first.tensor), wrong[0] if wrong else None)


def _difference(comparison: Comparison, tensor: JudgedTensor, got: np.ndarray) -> Difference:
    key = tensor.key
    exact = comparison.expected.exact[key]
    layer = _layer(comparison, key)
    sigma = comparison.expected.double.get(key, np.zeros(exact.shape))
    return Difference(
        kind=layer.kind if layer else key.role.value,
        settings=layer.settings if layer else {},
        inputs=_inputs(comparison, layer),
        parameters=_parameters(comparison, layer),
        expected=exact.astype(np.float64),
        got=got.astype(np.float64),
        sigma=sigma,
        role=key.role,
        tensor=str(key),
    )


def _layer(comparison: Comparison, key: TensorKey) -> Layer | None:
    """The reference's layer that a tensor belongs to."""
    sources, _ = comparison.links.name_of(key)
    name = sources[0].name
    layers = {layer.name: layer for layer in comparison.sides.reference.layers()}
    if key.role is Role.LAYER:
        return layers.get(name)
    inside = [one for one in layers if name.startswith((f"{one}.", f"{one}/"))]
    return layers[max(inside, key=len)] if inside else None


def _inputs(comparison: Comparison, layer: Layer | None) -> tuple[np.ndarray, ...]:
    """What goes into a layer, as the reference computes it on the candidate's values."""
    if layer is None:
        return ()
    own: Tensors = comparison.programs.own
    found = [(key, value) for key, value in own.items() if key.role is Role.LAYER_INPUT]
    return tuple(
        value for key, value in found if key.name == layer.name or key.name.rpartition(".")[0] == layer.name
    )


def _parameters(comparison: Comparison, layer: Layer | None) -> dict[str, np.ndarray]:
    """The layer's parameters by their short names, in float64."""
    if layer is None:
        return {}
    values = comparison.sides.reference.parameters()
    return {
        name[len(layer.name) + 1 :]: value.astype(np.float64)
        for name, value in values.items()
        if name.startswith((f"{layer.name}.", f"{layer.name}/"))
    }
