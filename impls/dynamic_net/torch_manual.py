"""PyTorch, eager, the chain rule by hand: NumPy's steps on tensors, and the same Python loop."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x, depth):
    h_relu = torch.relu(x @ state["w1"] + state["b1"])
    for _ in range(depth):
        h_relu = torch.relu(h_relu @ state["w2"] + state["b2"])
    return h_relu @ state["w3"] + state["b3"]


def trace(state, x, y, depth):
    seen = {}

    # Forward pass
    seen["h1"] = x @ state["w1"] + state["b1"]
    h_relu = seen["h1_relu"] = torch.relu(seen["h1"])
    for i in range(2, depth + 2):
        seen[f"h{i}"] = h_relu @ state["w2"] + state["b2"]
        h_relu = seen[f"h{i}_relu"] = torch.relu(seen[f"h{i}"])
    seen["y_pred"] = h_relu @ state["w3"] + state["b3"]

    # Loss
    seen["loss"] = (seen["y_pred"] - y).square().sum()

    # Backward pass
    grad_y_pred = seen["grad_y_pred"] = 2 * (seen["y_pred"] - y)
    seen["grad_w3"] = h_relu.T @ grad_y_pred
    seen["grad_b3"] = grad_y_pred.sum(dim=0)
    grad_h_relu = grad_y_pred @ state["w3"].T
    grad_w2, grad_b2 = torch.zeros_like(state["w2"]), torch.zeros_like(state["b2"])
    for i in range(depth + 1, 1, -1):
        seen[f"grad_h{i}_relu"] = grad_h_relu
        grad_h = seen[f"grad_h{i}"] = torch.where(seen[f"h{i}"] > 0, grad_h_relu, 0)
        grad_w2 = grad_w2 + seen[f"h{i - 1}_relu"].T @ grad_h  # each use of the weight adds its own
        grad_b2 = grad_b2 + grad_h.sum(dim=0)
        grad_h_relu = grad_h @ state["w2"].T
    seen["grad_w2"], seen["grad_b2"] = grad_w2, grad_b2
    seen["grad_h1_relu"] = grad_h_relu
    grad_h = seen["grad_h1"] = torch.where(seen["h1"] > 0, grad_h_relu, 0)
    seen["grad_w1"] = x.T @ grad_h
    seen["grad_b1"] = grad_h.sum(dim=0)
    return seen


def loss_and_grads(state, x, y, depth):
    seen = trace(state, x, y, depth)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in ("w1", "b1", "w2", "b2", "w3", "b3")}


def train_step(state, x, y, depth, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y, depth)
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
