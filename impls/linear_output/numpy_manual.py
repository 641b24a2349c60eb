"""NumPy, the chain rule by hand through biases and a linear output: the reference."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


def forward(state, x):
    h_sigmoid = sigmoid(x @ state["w1"] + state["b1"])
    return h_sigmoid @ state["w2"] + state["b2"]


def trace(state, x, y):
    w1, b1, w2, b2 = state["w1"], state["b1"], state["w2"], state["b2"]

    # Forward pass
    h = x @ w1 + b1
    h_sigmoid = sigmoid(h)
    y_pred = h_sigmoid @ w2 + b2

    # Loss
    loss = (0.5 * (y_pred - y) ** 2).sum()

    # Backward pass: a bias is added to every row, so its gradient is the sum over the rows
    grad_y_pred = y_pred - y
    grad_w2 = h_sigmoid.T @ grad_y_pred
    grad_b2 = grad_y_pred.sum(axis=0)
    grad_h_sigmoid = grad_y_pred @ w2.T
    grad_h = grad_h_sigmoid * h_sigmoid * (1 - h_sigmoid)
    grad_w1 = x.T @ grad_h
    grad_b1 = grad_h.sum(axis=0)

    return {
        "h": h, "h_sigmoid": h_sigmoid, "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_w2": grad_w2, "grad_b2": grad_b2,
        "grad_h_sigmoid": grad_h_sigmoid, "grad_h": grad_h, "grad_w1": grad_w1, "grad_b1": grad_b1,
    }  # fmt: skip


def loss_and_grads(state, x, y):
    steps = trace(state, x, y)
    return steps["loss"], {name: steps[f"grad_{name}"] for name in state}


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
