"""PyTorch autograd with a loop of our own: one node in the graph, and a way back that is written by hand.

Recorded, each step is a dozen nodes that keep what they were given. A Function runs the loop unrecorded,
keeps the carries and the gates, and walks back over them with the formulas of torch_manual. What comes after
the loop, the read-out and the loss, is recorded as before.
"""

import torch
from torch.autograd.function import once_differentiable

from .torch_manual import backward, export, flat, unrolled

__all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]

READ_AFTER = "torch_autograd"

NAMES = ("w_x", "b_x", "w_h", "b_h")  # of the weights that the loop uses; only one of the cells has b_h


def adopt(params):
    # The carry is no weight, and nothing flows back into it
    return {n: value if n == "carry" else value.requires_grad_() for n, value in params.items()}


def weights(state):
    return {name: value for name, value in state.items() if name != "carry"}


def loop_weights(state):
    return [state.get(name) for name in NAMES]


class Unrolled(torch.autograd.Function):
    """Of x, the carry and the weights; beside each step's h it returns the last carry, without a gradient."""

    @staticmethod
    def forward(ctx, x, carry, *loop_weights):
        ctx.save_for_backward(x, carry, *loop_weights)
        state = {name: w for name, w in zip(NAMES, loop_weights, strict=True) if w is not None}
        carries, gates = unrolled(state | {"carry": carry}, x)
        ctx.kept = carries, gates
        last = torch.stack(carries[-1])
        ctx.mark_non_differentiable(last)
        return torch.stack([h for h, *_ in carries[1:]]), last

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_h, grad_last):
        x, carry, *loop_weights = ctx.saved_tensors
        state = {name: w for name, w in zip(NAMES, loop_weights, strict=True) if w is not None}
        _, grad_a_x, grads = backward(state | {"carry": carry}, *ctx.kept, grad_h)
        grad_w_x, grad_b_x = flat(x).T @ flat(grad_a_x), flat(grad_a_x).sum(dim=0)
        return None, None, grad_w_x, grad_b_x, grads["w_h"], grads.get("b_h")


def network(state, x):
    h, carry = Unrolled.apply(x, state["carry"], *loop_weights(state))
    return h @ state["w_y"] + state["b_y"], carry


@torch.inference_mode()
def forward(state, x):
    y_pred, _ = network(state, x)
    return y_pred


def gradients(state, x, y):
    y_pred, carry = network(state, x)
    loss = (y_pred - y).square().mean()
    params = weights(state)
    grads = torch.autograd.grad(loss, params.values())
    return loss.detach(), dict(zip(params, grads, strict=True)), carry


def loss_and_grads(state, x, y):
    loss, grads, _ = gradients(state, x, y)
    return loss, grads


def train_step(state, x, y, learning_rate):
    loss, grads, state["carry"] = gradients(state, x, y)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss
