"""The rules of all operations, gathered: importing this module fills `operation_table.RULES`."""

from __future__ import annotations

from samestep.agreement.arithmetic.torch import (  # noqa: F401
    attention,
    composites,
    connectionist,
    embedding_bags,
    grid_sampling,
    losses_and_distances,
    rules_fourier,
    rules_linear_systems,
    rules_products,
    rules_scatter,
    rules_softplus,
    rules_sums,
    rules_windows,
    signal_windows,
)
from samestep.agreement.arithmetic.torch.rules_elementwise import CASTS

__all__ = ["CASTS"]
