"""PyTorch, the chain rule by hand: NumPy's steps on tensors, which may live on a GPU."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def depth(state):
    return sum(name.startswith("w") for name in state)


def normalise(images, state, mean, std):
    return images.to(state["w1"].dtype).div_(255).sub_(mean).div_(std)


def forward(state, x):
    a = x
    for i in range(1, depth(state)):
        a = torch.relu(a @ state[f"w{i}"] + state[f"b{i}"])
    return a @ state[f"w{depth(state)}"] + state[f"b{depth(state)}"]


def trace(state, x, y):
    n, rows, seen = depth(state), torch.arange(len(y), device=y.device), {}

    # Forward pass
    a = x
    for i in range(1, n):
        seen[f"h{i}"] = a @ state[f"w{i}"] + state[f"b{i}"]
        a = seen[f"h{i}_relu"] = torch.relu(seen[f"h{i}"])
    seen["logits"] = a @ state[f"w{n}"] + state[f"b{n}"]

    # Loss
    seen["log_p"] = torch.log_softmax(seen["logits"], dim=1)
    seen["loss"] = -seen["log_p"][rows, y].mean()

    # Backward pass: the gradient of the mean cross-entropy is (p - one_hot(y)) / rows
    grad = seen["log_p"].exp()
    grad[rows, y] -= 1
    grad = seen["grad_logits"] = grad / len(y)
    for i in range(n, 1, -1):
        seen[f"grad_w{i}"] = seen[f"h{i - 1}_relu"].T @ grad
        seen[f"grad_b{i}"] = grad.sum(dim=0)
        seen[f"grad_h{i - 1}_relu"] = grad @ state[f"w{i}"].T
        grad = torch.where(seen[f"h{i - 1}"] > 0, seen[f"grad_h{i - 1}_relu"], 0)
        seen[f"grad_h{i - 1}"] = grad
    seen["grad_w1"] = x.T @ grad
    seen["grad_b1"] = grad.sum(dim=0)
    return seen


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"], {name: seen[f"grad_{name}"] for name in state}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    for name, grad in grads.items():
        state[name].sub_(grad, alpha=learning_rate)  # in place: scaled and subtracted in one pass
    return state, loss


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:  # index_select copies row by row, images[batch] pixel by pixel
        x = normalise(images.index_select(0, batch), state, mean, std)
        state, loss = train_step(state, x, labels[batch], learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)


def evaluate(state, images, labels, mean, std):
    log_p = torch.log_softmax(forward(state, normalise(images, state, mean, std)), dim=1)
    mean_loss = -log_p[torch.arange(len(labels), device=labels.device), labels].mean()
    return mean_loss, (log_p.argmax(dim=1) == labels).sum()
