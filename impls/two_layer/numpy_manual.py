"""NumPy, the chain rule by hand: the reference that every other rung is checked against."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    h = x @ state["w1"]
    h_relu = np.maximum(h, 0)
    return h_relu @ state["w2"]


def trace(state, x, y):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h = x @ w1
    h_relu = np.maximum(h, 0)
    y_pred = h_relu @ w2

    # Loss
    loss = np.square(y_pred - y).sum()

    # Backward pass: the chain rule, from the loss back to each weight
    grad_y_pred = 2 * (y_pred - y)
    grad_w2 = h_relu.T @ grad_y_pred
    grad_h_relu = grad_y_pred @ w2.T
    grad_h = np.where(h > 0, grad_h_relu, 0)
    grad_w1 = x.T @ grad_h

    return {
        "h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_w2": grad_w2,
        "grad_h_relu": grad_h_relu, "grad_h": grad_h, "grad_w1": grad_w1,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    steps = trace(state, x, y)
    return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}


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
