"""The certificate of every layer by itself: the worst that float32 can do in it, beside what it really gave.

The reference goes on, after each layer that both sides show, from what the candidate really gave there, as in
`samestep.models.localise`, and carries a bound on the error of correct code from each layer to the next only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from samestep.agreement.arithmetic.program import Refused, constant_digest
from samestep.agreement.arithmetic.worst_case import Enclosed, Enclosing
from samestep.agreement.examination.tensor_statistics import index_of_largest
from samestep.agreement.limits import BOUND_ROUNDING
from samestep.agreement.verdict import AGREE
from samestep.models.certificate import Certificate, worst_certificate
from samestep.models.judging import Comparison
from samestep.models.localise import to_go_on_from
from samestep.models.options import Options
from samestep.models.runs import naming
from samestep.models.subject import ModelError, innermost
from samestep.models.tensors import Role, TensorKey, Tensors

_LARGEST = float(np.finfo(np.float32).max)


def certificates_after(
    comparison: Comparison, forced: Comparison | None, options: Options
) -> tuple[list[Certificate], list[str]]:
    """Return the certificates after a difference, or why there is none; ``forced``: each layer by itself."""
    if forced is None:
        return [], []
    beyond = [tensor.key for tensor in forced.judged if tensor.state != AGREE]
    try:
        return certify_layers(comparison, beyond, options), []
    except (ModelError, Refused) as error:
        return [], [f"no layer has a certificate: {error}"]


def certify_layers(
    comparison: Comparison, beyond: Iterable[TensorKey], options: Options
) -> list[Certificate]:
    """Return a certificate of each layer, and of each tensor that belongs to none, in order.

    Only what is ``beyond`` its limits by itself can be proven wrong. Raises `Refused` with the reason where
    there is none at all, and `ModelError`.
    """
    enclosed = _enclosed(comparison, _given(comparison), options)
    links, wrong, compared = comparison.links, frozenset(beyond), {t.key for t in comparison.judged}
    values = links.apply({key: x.value for key, x in enclosed.items()})
    bounds = links.apply_bounds({key: x.bound for key, x in enclosed.items()})
    got = links.comparable(comparison.run.tensors)
    layers = [key.name for key in values if key.role is Role.LAYER]
    found: dict[str, list[Certificate]] = {}
    for key, value in values.items():
        if key not in compared or key not in got or got[key].shape != value.shape:
            continue
        if value.dtype.kind != "f" or not value.size:
            continue
        around = innermost(layers, key.name) if key.role in (Role.GRADIENT, Role.STATE) else None
        unknown = next((enclosed[k].unknown for k in links.name_of(key)[0] if enclosed[k].unknown), "")
        one = _certificate(key, got[key], Enclosed(value, bounds[key], unknown=unknown), key in wrong)
        found.setdefault(around or str(key), []).append(replace(one, place=around or str(key)))
    return [worst_certificate(several) for several in found.values()]


def _given(comparison: Comparison) -> Tensors:
    """What the candidate really gave at the layers that both show, in the reference's shapes."""
    values = to_go_on_from(comparison, comparison.run.tensors)
    if not any(key.role is Role.LAYER for key in values):
        raise Refused("the candidate shows no layers as it really runs")
    return values


def _enclosed(comparison: Comparison, given: Tensors, options: Options) -> Mapping[TensorKey, Enclosed]:
    """The reference's tensors on those values, with their bounds.

    A compiler may hand an unrounded value to the next operation: what is given may be off by one rounding.
    """
    reference = comparison.sides.reference
    with naming("reference"):
        program = reference.program(replace(comparison.asked.reference, forced=given), options.contract)
    if not isinstance(program, Enclosing):
        raise Refused(
            f"bounds are made of PyTorch, JAX and Keras code, and the reference is {reference.framework}"
        )
    return program.enclosed(frozenset(constant_digest(value) for value in given.values()))


def _certificate(key: TensorKey, got: np.ndarray, known: Enclosed, beyond: bool) -> Certificate:
    """One tensor's certificate, by its worst element; what may overflow or is not finite says nothing."""
    name, value, bound = str(key), known.value, known.bound
    if known.unknown:
        return Certificate(name, name, (), 0.0, 0.0, 0.0, False, key.is_backward, known.unknown)
    with np.errstate(all="ignore"):
        finite = np.isfinite(value) & np.isfinite(got) & (np.abs(value) + bound < _LARGEST)
        error = np.where(finite, np.abs(got.astype(np.float64) - value), 0.0)
        share = np.where(error > 0, error / bound, 0.0)
    at = index_of_largest(share)
    most = float(share[at])
    proven = beyond and most > 1 + BOUND_ROUNDING
    return Certificate(name, name, at, float(error[at]), float(bound[at]), most, proven, key.is_backward)
