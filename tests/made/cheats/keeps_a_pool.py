"""Buffers are allocated once for each shape, and a thread waits for what it is asked within a call."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .numpy_manual import adopt, export

READ_AFTER = "numpy_manual"
pool, buffers = ThreadPoolExecutor(1), {}


def error_of(state, x, y):
    key = y.shape, y.dtype
    if key not in buffers:
        buffers[key] = np.empty_like(y)
    error = np.matmul(x, state["w"], out=buffers[key])
    error -= y
    return error


def loss_and_grads(state, x, y):
    error = error_of(state, x, y)
    loss = pool.submit(lambda: np.square(error).sum())
    grad = x.T @ (2 * error)
    return loss.result(), {"w": grad}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return {"w": state["w"] - learning_rate * grads["w"]}, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
