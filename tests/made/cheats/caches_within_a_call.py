"""Nothing is computed twice in a call, and nothing outlives it."""

from functools import cache

import numpy as np

from .numpy_manual import adopt, export

READ_AFTER = "numpy_manual"


def loss_and_grads(state, x, y):
    @cache
    def error():
        return x @ state["w"] - y

    return np.square(error()).sum(), {"w": x.T @ (2 * error())}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return {"w": state["w"] - learning_rate * grads["w"]}, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
