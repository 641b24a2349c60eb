"""PyTorch compiled: the cell is one graph with its way back, and the loop calls it for every step."""

import torch

from .torch_autograd import adopt, cell_of, export, gru, gru_reset_after, lstm, read_out, weights

__all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]

READ_AFTER = "torch_autograd"

torch.compiler.config.recompile_limit = 64  # one graph for each shape; the default keeps 8

# A step of training could be compiled as a whole, but its loop would be unrolled: ten times as long to
# compile, and anew for each number of steps
COMPILED = {cell: torch.compile(cell, fullgraph=True, dynamic=False) for cell in (gru, gru_reset_after, lstm)}


def unrolled(state, x):
    """The carries after each step."""
    cell = COMPILED[cell_of(state)]
    a_x = x @ state["w_x"] + state["b_x"]  # of all steps at once: no step of it waits for another
    carry, carries = tuple(state["carry"]), []
    for a in a_x:
        carry = cell(state, a, carry)
        carries.append(carry)
    return carries


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    return read_out(state, unrolled(state, x))


def gradients(state, x, y):
    # Forward pass
    carries = unrolled(state, x)
    y_pred = read_out(state, carries)

    # Loss
    loss = (y_pred - y).square().mean()

    # Backward pass: a compiled cell brings its own, which is compiled too
    params = weights(state)
    grads = torch.autograd.grad(loss, params.values())
    return loss.detach(), dict(zip(params, grads, strict=True)), torch.stack(carries[-1]).detach()


def loss_and_grads(state, x, y):
    loss, grads, _ = gradients(state, x, y)
    return loss, grads


def train_step(state, x, y, learning_rate):
    loss, grads, state["carry"] = gradients(state, x, y)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss
