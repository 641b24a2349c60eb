"""NumPy, the chain rule by hand: a Python loop uses one layer again and again, and its gradients add up."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x, depth):
    h_relu = np.maximum(x @ state["w1"] + state["b1"], 0)
    for _ in range(depth):
        h_relu = np.maximum(h_relu @ state["w2"] + state["b2"], 0)
    return h_relu @ state["w3"] + state["b3"]


def trace(state, x, y, depth):
    seen = {}

    # Forward pass
    seen["h1"] = x @ state["w1"] + state["b1"]
    h_relu = seen["h1_relu"] = np.maximum(seen["h1"], 0)
    for i in range(2, depth + 2):
        seen[f"h{i}"] = h_relu @ state["w2"] + state["b2"]
        h_relu = seen[f"h{i}_relu"] = np.maximum(seen[f"h{i}"], 0)
    seen["y_pred"] = h_relu @ state["w3"] + state["b3"]

    # Loss
    seen["loss"] = np.square(seen["y_pred"] - y).sum()

    # Backward pass
    grad_y_pred = seen["grad_y_pred"] = 2 * (seen["y_pred"] - y)
    seen["grad_w3"] = h_relu.T @ grad_y_pred
    seen["grad_b3"] = grad_y_pred.sum(axis=0)
    grad_h_relu = grad_y_pred @ state["w3"].T
    grad_w2, grad_b2 = np.zeros_like(state["w2"]), np.zeros_like(state["b2"])
    for i in range(depth + 1, 1, -1):
        seen[f"grad_h{i}_relu"] = grad_h_relu
        grad_h = seen[f"grad_h{i}"] = np.where(seen[f"h{i}"] > 0, grad_h_relu, 0)
        grad_w2 = grad_w2 + seen[f"h{i - 1}_relu"].T @ grad_h  # each use of the weight adds its own
        grad_b2 = grad_b2 + grad_h.sum(axis=0)
        grad_h_relu = grad_h @ state["w2"].T
    seen["grad_w2"], seen["grad_b2"] = grad_w2, grad_b2
    seen["grad_h1_relu"] = grad_h_relu
    grad_h = seen["grad_h1"] = np.where(seen["h1"] > 0, grad_h_relu, 0)
    seen["grad_w1"] = x.T @ grad_h
    seen["grad_b1"] = grad_h.sum(axis=0)
    return seen


def loss_and_grads(state, x, y, depth):
    seen = trace(state, x, y, depth)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in ("w1", "b1", "w2", "b2", "w3", "b3")}


def train_step(state, x, y, depth, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y, depth)
    state = dict(state)
    for name, grad in grads.items():
        velocity = momentum * state.get(f"momentum/{name}", 0 * grad) + grad
        state[f"momentum/{name}"] = velocity
        state[name] = state[name] - learning_rate * velocity
    return state, loss


def train(state, x, y, depths, learning_rate, momentum):
    losses = []
    for depth in depths:
        state, loss = train_step(state, x, y, depth, learning_rate, momentum)
        losses.append(loss)
    return state, np.stack(losses)
