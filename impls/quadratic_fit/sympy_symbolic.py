"""SymPy: one point's loss is a formula, diff derives its gradient, and lambdify makes NumPy code of both."""

from functools import cache

import numpy as np
import sympy as sp

READ_AFTER = "numpy_manual"


@cache
def compiled():
    """The forward pass, and one point's loss with its gradient, as NumPy functions: derived once."""
    w, x, y = sp.symbols("w x y")

    # Forward pass
    y_pred = w * x**2

    # Loss, of one point
    loss = (y_pred - y) ** 2 / 2

    # Backward pass: x**2*(w*x**2 - y), as SymPy prints it
    grad_w = loss.diff(w)

    # The functions take arrays, too: NumPy goes over the points
    return sp.lambdify((w, x), y_pred, "numpy"), sp.lambdify((w, x, y), (loss, grad_w), "numpy")


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    y_pred, _ = compiled()
    return y_pred(state["w"], x)


def loss_and_grads(state, x, y):
    _, both = compiled()
    loss, grad_w = both(state["w"], x, y)  # an element for each point
    # The loss is the mean over the points, and so is its derivative
    return loss.mean(), {"w": grad_w.mean()}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return {"w": state["w"] - learning_rate * grads["w"]}, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
