"""Parameters of which one side has no gradient: PyTorch gives none, others zeros, where nothing uses them."""

from __future__ import annotations

import numpy as np

from samestep.agreement.examination.tensor_statistics import index_of_largest
from samestep.models.arithmetic_check import ArithmeticStatistics
from samestep.models.correspond import reference_name
from samestep.models.judged import JudgedTensor
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.prepare import Sides
from samestep.models.tensors import Role, TensorKey, Tensors

NONE = "has no gradient"


def missing_gradients(
    sides: Sides, links: Correspondence, got: Tensors, own: Tensors
) -> tuple[list[JudgedTensor], list[str]]:
    """Return the differences, and what is noted: no gradient is the same as one that is exactly 0.

    ``got`` are the candidate's tensors and ``own`` the reference's, under their own names. A parameter that
    either side has frozen is noted only.
    """
    expected = links.apply(own)
    if not all(any(key.role is Role.GRADIENT for key in side) for side in (got, own)):
        return [], []
    judged, notes = [], []
    frozen = sides.candidate.frozen(), sides.reference.frozen()
    for name, link in links.parameters.links.items():
        key = TensorKey(Role.GRADIENT, name)
        mine, theirs = got.get(key), expected.get(key)
        if (mine is None) == (theirs is None):
            continue
        lacking, other = ("candidate", theirs) if mine is None else ("reference", mine)
        if name in frozen[0] or not frozen[1].isdisjoint(link.sources):
            notes.append(f"{key}: not compared, since one side has it frozen")
        elif other is not None and not other.any():
            notes.append(f"{key}: the {lacking} has none, and the other side's is 0")
        elif other is not None:
            judged.append(_difference(links, key, lacking, other))
    return judged, notes


def _difference(links: Correspondence, key: TensorKey, lacking: str, other: np.ndarray) -> JudgedTensor:
    at = index_of_largest(np.abs(other))
    value = float(other[at])
    pair = (0.0, value) if lacking == "candidate" else (value, 0.0)
    words = f"the {lacking} {NONE}, and the other side's is {value:.6g}"
    return JudgedTensor(
        key, reference_name(links, key), other.shape, None, ArithmeticStatistics(None, words, at, *pair)
    )
