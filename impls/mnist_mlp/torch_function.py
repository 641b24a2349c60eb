"""PyTorch autograd with operations of our own: each brings the backward pass that we wrote for it."""

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from .torch_autograd import adopt, depth, export, normalise

READ_AFTER = "torch_autograd"


class LinearRelu(torch.autograd.Function):
    """relu(x @ w + b). Its h need not be kept: h_relu is positive exactly where h is."""

    @staticmethod
    def forward(ctx, x, w, b):
        h_relu = torch.addmm(b, x, w).relu_()
        ctx.save_for_backward(x, w, h_relu)
        return h_relu

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_h_relu):
        x, w, h_relu = ctx.saved_tensors
        grad_h = torch.where(h_relu > 0, grad_h_relu, 0)
        grad_x = grad_h @ w.T if ctx.needs_input_grad[0] else None  # images want no gradient
        return grad_x, x.T @ grad_h, grad_h.sum(dim=0)


class MeanCrossEntropy(torch.autograd.Function):
    """Of logits and labels. Its gradient, (p - one_hot(y)) / rows, divides by no small p."""

    @staticmethod
    def forward(ctx, logits, y):
        log_p = torch.log_softmax(logits, dim=1)
        ctx.save_for_backward(log_p, y)
        return F.nll_loss(log_p, y)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss):
        log_p, y = ctx.saved_tensors
        grad = log_p.exp()
        grad[torch.arange(len(y), device=y.device), y] -= 1
        return grad * (grad_loss / len(y)), None


def network(state, x):
    n, seen = depth(state), {}
    a = x
    for i in range(1, n):
        a = seen[f"h{i}_relu"] = LinearRelu.apply(a, state[f"w{i}"], state[f"b{i}"])
    seen["logits"] = torch.addmm(state[f"b{n}"], a, state[f"w{n}"])
    return seen


@torch.inference_mode()
def forward(state, x):
    return network(state, x)["logits"]


def trace(state, x, y):
    # Forward pass
    seen = network(state, x)

    # Loss
    seen["loss"] = MeanCrossEntropy.apply(seen["logits"], y)

    # Backward pass
    grads = torch.autograd.grad(seen["loss"], state.values())
    return seen | {f"grad_{name}": grad for name, grad in zip(state, grads, strict=True)}


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    return seen["loss"].detach(), {name: seen[f"grad_{name}"] for name in state}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:
        x = normalise(images.index_select(0, batch), state, mean, std)
        state, loss = train_step(state, x, labels[batch], learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)


def evaluate(state, images, labels, mean, std):
    logits = forward(state, normalise(images, state, mean, std))
    return MeanCrossEntropy.apply(logits, labels), (logits.argmax(dim=1) == labels).sum()
