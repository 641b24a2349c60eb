"""The first call of each shape takes a tenth of a second to prepare, and what was prepared stays."""

import time

from . import numpy_manual as manual
from .numpy_manual import adopt, export

READ_AFTER = "numpy_manual"
plans = {}


def planned(function, x):
    if (function, x.shape, x.dtype) not in plans:
        time.sleep(0.1)
        plans[function, x.shape, x.dtype] = getattr(manual, function)
    return plans[function, x.shape, x.dtype]


def loss_and_grads(state, x, y):
    return planned("loss_and_grads", x)(state, x, y)


def train_step(state, x, y, learning_rate):
    return planned("train_step", x)(state, x, y, learning_rate)


def train(state, x, y, learning_rate, steps):
    return planned("train", x)(state, x, y, learning_rate, steps)
