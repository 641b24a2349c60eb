"""Gradients that are computed when somebody takes them out of their mapping."""

from collections.abc import Mapping

import numpy as np

from . import numpy_manual as manual
from .numpy_manual import adopt, export, train, train_step

READ_AFTER = "numpy_manual"


class Gradients(Mapping):
    def __init__(self, *arguments):
        self.arguments, self.found = arguments, {}

    def __getitem__(self, name):
        if not self.found:
            self.found = manual.loss_and_grads(*self.arguments)[1]
        return self.found[name]

    def __iter__(self):
        return iter(("w",))

    def __len__(self):
        return 1


def loss_and_grads(state, x, y):
    return np.square(x @ state["w"] - y).sum(), Gradients(state, x, y)
