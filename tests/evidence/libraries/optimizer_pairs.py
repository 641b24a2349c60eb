"""Optimisers of PyTorch beside those of optax: three steps of a small network."""

from __future__ import annotations

from functools import partial

from tests.evidence.libraries.pair import Pair
from tests.evidence.ports import optimizers

#: Mistakes that optax's defaults make, or its settings; the others of that table are written by hand.
OPTAX = (
    "Adam, rate x (1 + 1e-5)", "Adam, optax's eps_root", "Adam, beta2 0.99", "AdamW, optax's decay of 1e-4",
    "AdamW, biases decay", "Adam with L2, decoupled", "SGD, Nesterov off", "RMSprop, eps under the root",
    "RMSprop, decay 0.9", "Adagrad of optax", "NAdam without the schedule",
)  # fmt: skip

OPTIMIZERS = (
    *(
        Pair(f"torch.optim and optax: {name}", partial(optimizers.case, 0, mine, theirs))
        for name, mine, theirs in optimizers.TWINS
        if "by hand" not in name
    ),
    *(
        Pair(f"torch.optim and optax: {name}", partial(optimizers.case, 0, mine, theirs), places, cause)
        for name, mine, theirs, places, cause in optimizers.MISTAKES
        if name in OPTAX
    ),
)
