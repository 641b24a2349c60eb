"""PyTorch autograd: what is recorded is what ran, so a Python loop of any length has its backward pass."""

import torch

from .torch_manual import export

READ_AFTER = "torch_manual"


def adopt(params):
    return {n: value if "/" in n else value.requires_grad_() for n, value in params.items()}


def weights(state):
    return {name: value for name, value in state.items() if "/" not in name}


def network(state, x, depth):
    seen = {"h1": torch.addmm(state["b1"], x, state["w1"])}  # x @ w1 + b1, recorded as one operation
    h_relu = seen["h1_relu"] = torch.relu(seen["h1"])  # clamp(min=0) has derivative 1 at 0
    for i in range(2, depth + 2):
        seen[f"h{i}"] = torch.addmm(state["b2"], h_relu, state["w2"])
        h_relu = seen[f"h{i}_relu"] = torch.relu(seen[f"h{i}"])
    seen["y_pred"] = torch.addmm(state["b3"], h_relu, state["w3"])
    return seen


@torch.inference_mode()  # nothing is recorded
def forward(state, x, depth):
    return network(state, x, depth)["y_pred"]


def trace(state, x, y, depth):
    seen = network(state, x, depth)
    loss = (seen["y_pred"] - y).square().sum()
    wanted = weights(state) | seen  # every value on the way can be asked for its gradient
    grads = torch.autograd.grad(loss, wanted.values(), materialize_grads=True)
    grads = {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}
    return seen | {"loss": loss} | grads


def loss_and_grads(state, x, y, depth):
    # Forward pass
    y_pred = network(state, x, depth)["y_pred"]

    # Loss
    loss = (y_pred - y).square().sum()

    # Backward pass: grad adds up the uses of a weight; one that was not used gets zeros, not None
    params = weights(state)
    grads = torch.autograd.grad(loss, params.values(), materialize_grads=True)
    return loss.detach(), dict(zip(params, grads, strict=True))


def train_step(state, x, y, depth, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y, depth)
    with torch.no_grad():  # the update is not part of the network
        for name, grad in grads.items():
            velocity = state.setdefault(f"momentum/{name}", torch.zeros_like(grad))
            velocity.mul_(momentum).add_(grad)
            state[name].sub_(velocity, alpha=learning_rate)
    return state, loss


def train(state, x, y, depths, learning_rate, momentum):
    losses = []
    for depth in depths.tolist():  # fetched from the device at once: range() would wait for each
        state, loss = train_step(state, x, y, depth, learning_rate, momentum)
        losses.append(loss)
    return state, torch.stack(losses)
