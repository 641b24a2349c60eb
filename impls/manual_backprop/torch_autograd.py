"""PyTorch, autograd writes the backward pass: the check on the hand."""

import torch

READ_AFTER = "torch_manual"


def adopt(params):
    return {name: value.requires_grad_() for name, value in params.items()}


def export(state):
    return dict(state)


@torch.no_grad()
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

    return {"h": h, "h_sigmoid": h_sigmoid, "y_in": y_in, "y_pred": y_pred, "loss": loss}


def loss_and_grads(state, x, y, b1, b2):
    loss = trace(state, x, y, b1, b2)["loss"]

    # Backward pass
    grad_w1, grad_w2 = torch.autograd.grad(loss, (state["w1"], state["w2"]))
    return loss.detach(), {"w1": grad_w1, "w2": grad_w2}


def train_step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    with torch.no_grad():  # in place: w = w - rate * grad would be no leaf, and autograd would follow it
        for name, grad in grads.items():
            state[name] -= learning_rate * grad
    return state, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
