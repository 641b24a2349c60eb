"""Which of the reference's tensors is which of the candidate's, from what the caller says and from values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samestep.models.options import Options
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.pairing.layers import pair_layers
from samestep.models.pairing.outputs import pair_outputs
from samestep.models.pairing.parameter_map import ParameterMap
from samestep.models.prepare import Sides
from samestep.models.tensors import Role, TensorKey, Tensors, of_role


@dataclass(frozen=True)
class Shown:
    """All tensors of one side that are looked at: ``tensors``, beside its parameters and state."""

    tensors: Tensors
    parameters: Mapping[str, np.ndarray]
    state: Mapping[str, np.ndarray]

    def of(self, role: Role) -> dict[str, np.ndarray]:
        """Return the tensors of one role by name."""
        return of_role(self.tensors, role)


def correspond(candidate: Shown, reference: Shown, sides: Sides, options: Options) -> Correspondence:
    """Return the links between all tensors of both sides. Raises `ModelError` for names that do not exist."""
    parameters = sides.parameters or ParameterMap.by_value(
        reference.parameters, candidate.parameters, reference.of(Role.GRADIENT), candidate.of(Role.GRADIENT)
    )
    state = sides.state or ParameterMap.by_value(reference.state, candidate.state, known=parameters)
    return Correspondence(
        parameters,
        state,
        pair_layers(
            reference.of(Role.LAYER),
            candidate.of(Role.LAYER),
            options.layers,
            reference.of(Role.LAYER_GRADIENT),
            candidate.of(Role.LAYER_GRADIENT),
        ),
        pair_outputs(reference.of(Role.OUTPUT), candidate.of(Role.OUTPUT)),
    )


def reference_name(links: Correspondence, key: TensorKey) -> str:
    """Return the name of what a candidate's tensor corresponds to, several joined by " + "."""
    sources, _ = links.name_of(key)
    return " + ".join(source.name for source in sources)
