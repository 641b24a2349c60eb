"""Where a gate fell the other way, every layer is judged from the candidate's own values.

A relu at its edge that honest rounding flips changes what follows from it by far more than rounding does: in
a sum over many positions by more than its limits, and by too little to be told from larger noise element by
element. No limit of a free run can hold that. A layer that goes on from the candidate's own values takes the
candidate's decisions, so that nothing is left but its own rounding.
"""

from __future__ import annotations

from dataclasses import replace

from samestep.agreement.arithmetic.program import Refused
from samestep.agreement.verdict import AGREE
from samestep.models.expected import Progress
from samestep.models.judging import Comparison
from samestep.models.localise import force_layers
from samestep.models.options import Options
from samestep.models.recorded.recorded_subject import RecordedSubject
from samestep.models.subject import ModelError


def with_own_decisions(comparison: Comparison, options: Options, progress: Progress) -> Comparison:
    """Return the comparison with what is beyond its limits judged layer by layer, if all of that agrees.

    It is as it was where no element hangs on a gate that rounding flips, where one side is another function,
    or where any layer is beyond its limits by itself.
    """
    beyond = {tensor.key for tensor in comparison.judged if tensor.state != AGREE}
    another = any(tensor.is_another_function for tensor in comparison.judged)
    if not beyond or not comparison.hanging or another:
        return comparison
    try:
        forced = force_layers(comparison, options, progress)
    except (ModelError, Refused) as error:  # why is said where the layers are looked at for the place
        if isinstance(comparison.sides.reference, RecordedSubject):
            raise Refused(
                f"a gate that rounding flipped decides {len(beyond)} tensors, which a record cannot judge "
                "layer by layer: compare where the reference runs"
            ) from error
        return comparison
    if forced is None or any(tensor.state != AGREE for tensor in forced.judged):
        return comparison
    alone = {tensor.key: tensor.arithmetic for tensor in forced.judged if tensor.arithmetic is not None}
    if not beyond <= alone.keys():
        return comparison
    judged = tuple(
        replace(tensor, arithmetic=alone[tensor.key]) if tensor.key in beyond else tensor
        for tensor in comparison.judged
    )
    tensors = "1 tensor follows" if len(beyond) == 1 else f"{len(beyond)} tensors follow"
    note = f"{tensors} a gate that rounding flipped: judged layer by layer, from the candidate's own values"
    return replace(comparison, judged=judged, notes=(*comparison.notes, note))
