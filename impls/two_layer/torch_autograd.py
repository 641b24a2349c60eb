"""PyTorch autograd: the forward pass is recorded, and the backward pass follows from it."""

import torch

READ_AFTER = "torch_manual"


def adopt(params):
    return {name: value.requires_grad_() for name, value in params.items()}


def export(state):
    return dict(state)


def network(state, x):
    h = x @ state["w1"]
    h_relu = h.relu()  # its derivative at 0 is 0; that of clamp(min=0) is 1
    y_pred = h_relu @ state["w2"]
    return h, h_relu, y_pred


@torch.inference_mode()
def forward(state, x):
    return network(state, x)[-1]


def trace(state, x, y):
    # Forward pass
    h, h_relu, y_pred = network(state, x)

    # Loss
    loss = (y_pred - y).square().sum()

    # Backward pass: every intermediate value can be asked for its gradient, not only the weights
    seen = {"h": h, "h_relu": h_relu, "y_pred": y_pred}
    grads = torch.autograd.grad(loss, [*state.values(), *seen.values()])
    names = [f"grad_{name}" for name in (*state, *seen)]
    return seen | {"loss": loss} | dict(zip(names, grads, strict=True))


def loss_and_grads(state, x, y):
    # Forward pass
    y_pred = network(state, x)[-1]

    # Loss
    loss = (y_pred - y).square().sum()

    # Backward pass: the gradients are returned; loss.backward() would add them to .grad
    grads = torch.autograd.grad(loss, state.values())
    return loss.detach(), dict(zip(state, grads, strict=True))


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():  # the update is not part of the network
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
