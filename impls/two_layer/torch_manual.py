"""PyTorch, the chain rule by hand: NumPy's steps on tensors, which may live on a GPU."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    h = x @ state["w1"]
    h_relu = h.relu()
    return h_relu @ state["w2"]


def trace(state, x, y):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h = x @ w1
    h_relu = h.relu()
    y_pred = h_relu @ w2

    # Loss
    loss = (y_pred - y).square().sum()

    # Backward pass
    grad_y_pred = 2 * (y_pred - y)
    grad_w2 = h_relu.T @ grad_y_pred
    grad_h_relu = grad_y_pred @ w2.T
    grad_h = torch.where(h > 0, grad_h_relu, 0)
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
    for name, grad in grads.items():
        state[name].sub_(grad, alpha=learning_rate)  # in place: scaled and subtracted in one pass
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
