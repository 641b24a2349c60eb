"""Tell apart what values cannot: zeros, ones, symmetric matrices and copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samestep.models.pairing.arrangement import Arrangement

Values = Mapping[str, np.ndarray]


@dataclass
class Settler:
    reference: Values
    candidate: Values
    decided: dict[str, Arrangement]
    reference_gradients: Values | None
    candidate_gradients: Values | None

    def settle(self, options: dict[str, list[Arrangement]]) -> tuple[dict[str, Arrangement], dict[str, str]]:
        settled = dict(self.decided)
        return settled, dict.fromkeys(options, "its values fit several")
