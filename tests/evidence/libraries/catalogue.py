"""All pairs of `tests.evidence.real_libraries`, by name."""

from __future__ import annotations

from tests.evidence.libraries.keras_pairs import KERAS
from tests.evidence.libraries.layers import LAYERS
from tests.evidence.libraries.optimizer_pairs import OPTIMIZERS
from tests.evidence.libraries.twin_pairs import TWINS

PAIRS = (*TWINS, *LAYERS, *KERAS, *OPTIMIZERS)
