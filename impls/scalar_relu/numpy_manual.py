"""NumPy, one line for each neuron and no matrices, the chain rule by hand: the reference."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def neurons(state, x):
    w1, w2, x1, x2 = state["w1"], state["w2"], x[0, 0], x[0, 1]
    h1 = x1 * w1[0, 0] + x2 * w1[1, 0]
    h2 = x1 * w1[0, 1] + x2 * w1[1, 1]
    h3 = x1 * w1[0, 2] + x2 * w1[1, 2]
    a1, a2, a3 = np.maximum(h1, 0), np.maximum(h2, 0), np.maximum(h3, 0)
    y_in = a1 * w2[0, 0] + a2 * w2[1, 0] + a3 * w2[2, 0]
    return h1, h2, h3, a1, a2, a3, y_in, np.maximum(y_in, 0)


def forward(state, x):
    *_, y_pred = neurons(state, x)
    return np.stack([y_pred]).reshape(1, 1)


def trace(state, x, y):
    w2, x1, x2 = state["w2"], x[0, 0], x[0, 1]

    # Forward pass
    h1, h2, h3, a1, a2, a3, y_in, y_pred = neurons(state, x)

    # Loss
    loss = (y_pred - y[0, 0]) ** 2

    # Backward pass: relu'(0) = 0, so a gradient passes where the net input is above 0 only
    grad_y_pred = 2 * (y_pred - y[0, 0])
    grad_y_in = np.where(y_in > 0, grad_y_pred, 0)
    grad_w2 = np.stack([grad_y_in * a1, grad_y_in * a2, grad_y_in * a3]).reshape(3, 1)
    grad_a1, grad_a2, grad_a3 = grad_y_in * w2[0, 0], grad_y_in * w2[1, 0], grad_y_in * w2[2, 0]
    grad_h1 = np.where(h1 > 0, grad_a1, 0)
    grad_h2 = np.where(h2 > 0, grad_a2, 0)
    grad_h3 = np.where(h3 > 0, grad_a3, 0)
    grad_w1 = np.stack(
        [x1 * grad_h1, x1 * grad_h2, x1 * grad_h3, x2 * grad_h1, x2 * grad_h2, x2 * grad_h3]
    ).reshape(2, 3)

    return {
        "h1": h1, "h2": h2, "h3": h3, "a1": a1, "a2": a2, "a3": a3,
        "y_in": y_in, "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_y_in": grad_y_in, "grad_w2": grad_w2,
        "grad_a1": grad_a1, "grad_a2": grad_a2, "grad_a3": grad_a3,
        "grad_h1": grad_h1, "grad_h2": grad_h2, "grad_h3": grad_h3, "grad_w1": grad_w1,
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
