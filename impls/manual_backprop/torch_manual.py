"""PyTorch, the same derivatives by hand on tensors, and an update that overwrites the weights."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x, b1, b2):
    h_sigmoid = torch.sigmoid(x @ state["w1"] + b1)
    return torch.sigmoid(h_sigmoid @ state["w2"] + b2)


def trace(state, x, y, b1, b2):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h = x @ w1 + b1
    h_sigmoid = torch.sigmoid(h)
    y_in = h_sigmoid @ w2 + b2
    y_pred = torch.sigmoid(y_in)

    # Loss
    loss = 0.5 * (y_pred - y).square().sum()

    # Backward pass: with s = sigmoid(h), sigmoid'(h) = s (1 - s), so the net input is not needed again
    grad_y_pred = y_pred - y
    grad_y_in = grad_y_pred * y_pred * (1 - y_pred)
    grad_w2 = h_sigmoid.T @ grad_y_in
    grad_h_sigmoid = grad_y_in @ w2.T
    grad_h = grad_h_sigmoid * h_sigmoid * (1 - h_sigmoid)
    grad_w1 = x.T @ grad_h

    return {
        "h": h, "h_sigmoid": h_sigmoid, "y_in": y_in, "y_pred": y_pred, "loss": loss,
        "grad_y_pred": grad_y_pred, "grad_y_in": grad_y_in, "grad_w2": grad_w2,
        "grad_h_sigmoid": grad_h_sigmoid, "grad_h": grad_h, "grad_w1": grad_w1,
    }  # fmt: skip


def loss_and_grads(state, x, y, b1, b2):
    steps = trace(state, x, y, b1, b2)
    return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}


def train_step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    for name, grad in grads.items():
        state[name] -= learning_rate * grad
    return state, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
