"""NumPy, one derivative by hand: the reference."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    return state["w"] * x**2


def trace(state, x, y):
    # Forward pass
    y_pred = state["w"] * x**2

    # Loss
    loss = 0.5 * np.square(y_pred - y).mean()

    # Backward pass: every point pulls at the one w, so its gradient is a sum over the points
    grad_y_pred = (y_pred - y) / len(y)
    grad_w = (grad_y_pred * x**2).sum()

    return {"y_pred": y_pred, "loss": loss, "grad_y_pred": grad_y_pred, "grad_w": grad_w}


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in state}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    state = {name: state[name] - learning_rate * grads[name] for name in state}
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
