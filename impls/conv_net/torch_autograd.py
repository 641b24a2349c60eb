"""PyTorch autograd: the forward pass is recorded, and batch_norm is told which statistics to use."""

import torch
import torch.nn.functional as F

from .torch_manual import EPS, MOMENTUM, WINDOWS, channels_first, export, flatten, shown
from .torch_manual import adopt as adopt_plain

READ_AFTER = "torch_manual"

STATISTICS = ("mean", "var")


def adopt(params):
    state = adopt_plain(params)
    return {n: p if n.startswith(STATISTICS) else p.requires_grad_() for n, p in state.items()}


def weights(state):
    return {name: p for name, p in state.items() if p.requires_grad}


def network(state, x, batch_norm):
    seen, a = {}, channels_first(x)
    for i in (1, 2):
        conv = seen[f"conv{i}"] = F.conv2d(a, state[f"kernel{i}"], stride=2, padding=1)
        seen[f"h{i}"] = batch_norm(state, i, conv)
        a = seen[f"h{i}_relu"] = torch.relu(seen[f"h{i}"])
    seen["pooled"] = F.avg_pool2d(a, **WINDOWS, count_include_pad=False)
    seen["logits"] = torch.addmm(state["b"], flatten(seen["pooled"]), state["w"])
    return seen


def by_the_batch(state, i, conv):
    return F.batch_norm(conv, None, None, state[f"scale{i}"], state[f"shift{i}"], training=True, eps=EPS)


def by_the_batch_and_renew(state, i, conv):  # its mean and variance become a tenth of the running ones
    running = state[f"mean{i}"], state[f"var{i}"]
    return F.batch_norm(conv, *running, state[f"scale{i}"], state[f"shift{i}"], True, MOMENTUM, EPS)


def by_running_statistics(state, i, conv):
    running = state[f"mean{i}"], state[f"var{i}"]
    return F.batch_norm(conv, *running, state[f"scale{i}"], state[f"shift{i}"], eps=EPS)


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    return network(state, x, by_running_statistics)["logits"]


def trace(state, x, y, batch_norm=by_the_batch):
    seen = network(state, x, batch_norm)
    loss = F.cross_entropy(seen["logits"], y)
    wanted = weights(state) | seen  # every value on the way can be asked for its gradient
    grads = torch.autograd.grad(loss, wanted.values())
    grads = {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}
    return shown(seen | {"loss": loss} | grads)


def gradients(state, x, y, batch_norm):
    # Forward pass
    logits = network(state, x, batch_norm)["logits"]

    # Loss
    loss = F.cross_entropy(logits, y)

    # Backward pass: grad returns the gradients; loss.backward() would add them to each .grad
    wanted = weights(state)
    grads = torch.autograd.grad(loss, wanted.values())
    return loss.detach(), dict(zip(wanted, grads, strict=True))


def loss_and_grads(state, x, y):
    loss, grads = gradients(state, x, y, by_the_batch)
    return loss, export(grads)


def train_step(state, x, y, learning_rate):
    loss, grads = gradients(state, x, y, by_the_batch_and_renew)
    with torch.no_grad():  # the update is not part of the network
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss
