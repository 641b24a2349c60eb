"""Buffers are reused from step to step, and the rate goes where there are fewest numbers."""

import numpy as np

from .numpy_manual import adopt, export, loss_and_grads, train_step

READ_AFTER = "numpy_manual"


def train(state, x, y, learning_rate, steps):
    w, losses = state["w"].copy(), np.empty(steps, x.dtype)
    error = np.empty_like(y)
    for step in range(steps):
        np.matmul(x, w, out=error)
        error -= y
        losses[step] = np.square(error).sum()
        error *= 2 * x.dtype.type(learning_rate)
        w -= x.T @ error
    return {"w": w}, losses
