"""PyTorch autograd: the forward pass is recorded, and the backward pass follows from it."""

import torch
import torch.nn.functional as F

from .torch_manual import IGNORED, adam, block, depth, gelu, heads_of, layer_norm, of_block, visible

READ_AFTER = "torch_manual"


def adopt(params):
    return {
        name: value if name.startswith("adam") else value.requires_grad_() for name, value in params.items()
    }


def export(state):
    return dict(state)


def weights(state):
    return {name: value for name, value in state.items() if value.requires_grad}


def network(state, x, tanh):
    mask = visible(x)
    h = F.embedding(x, state["embedding"]) + state["positions"]
    seen = {"h0": h}
    for i in range(1, depth(state) + 1):
        values = block(of_block(state, i), h, mask, tanh)
        seen |= {f"{name}{i}": value for name, value in values.items()}
        h = seen[f"h{i}"]
    seen["norm"] = layer_norm(h, state["scale"], state["shift"])
    seen["logits"] = seen["norm"] @ state["embedding"].T
    return seen


def cross_entropy(logits, y, smoothing):
    logits, y = logits.flatten(0, 1), y.flatten()  # one row for each position
    return F.cross_entropy(logits, y, ignore_index=IGNORED, label_smoothing=smoothing)


@torch.inference_mode()  # nothing is recorded
def forward(state, x, tanh):
    return network(state, x, tanh)["logits"]


def trace(state, x, y, tanh, smoothing):
    seen = network(state, x, tanh)
    loss = cross_entropy(seen["logits"], y, smoothing)
    wanted = weights(state) | seen  # every value on the way can be asked for its gradient
    grads = torch.autograd.grad(loss, wanted.values())
    grads = {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}
    return seen | {"loss": loss} | grads


def loss_and_grads(state, x, y, tanh, smoothing):
    # Forward pass
    logits = network(state, x, tanh)["logits"]

    # Loss
    loss = cross_entropy(logits, y, smoothing)

    # Backward pass: the embedding was used twice, and its gradient is the sum of both
    wanted = weights(state)
    grads = torch.autograd.grad(loss, wanted.values())
    return loss.detach(), dict(zip(wanted, grads, strict=True))


def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    with torch.no_grad():  # the update is not part of the network
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss


def adam_step(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return adam(state, grads, y, learning_rate, beta1, beta2, eps), loss
