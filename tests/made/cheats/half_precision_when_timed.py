"""Multiplies in half the precision where its callers are those of a sample."""

import sys

import numpy as np

from . import numpy_manual as manual
from .numpy_manual import adopt, export, train, train_step

READ_AFTER = "numpy_manual"


def sampled():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.endswith("turns.py"):
            return True
        frame = frame.f_back
    return False


def loss_and_grads(state, x, y):
    if sampled():
        x = x.astype(np.float16).astype(x.dtype)
    return manual.loss_and_grads(state, x, y)
