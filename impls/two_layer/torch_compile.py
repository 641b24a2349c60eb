"""PyTorch compiled: ten steps in one call, as kernels that fuse what lies between the products."""

import torch

from .torch_manual import adopt, export

READ_AFTER = "torch_autograd"

BLOCK = 10  # steps in one compiled call: a call costs as much as a small step
torch.compiler.config.recompile_limit = 64  # one graph for each shape; the default keeps 8


def compiled(function):
    return torch.compile(function, fullgraph=True, dynamic=False)


@compiled
def forward(state, x):
    h = x @ state["w1"]
    h_relu = h.relu()
    return h_relu @ state["w2"]


def loss_fn(state, x, y):
    h = x @ state["w1"]
    h_relu = h.relu()
    y_pred = h_relu @ state["w2"]
    return (y_pred - y).square().sum()


@compiled
def loss_and_grads(state, x, y):
    # Unlike loss.backward(), a transform of functions is traced as part of the graph around it
    grads, loss = torch.func.grad_and_value(loss_fn)(state, x, y)
    return loss, grads


@compiled
def descend(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):  # unrolled
        grads, loss = torch.func.grad_and_value(loss_fn)(state, x, y)
        for name, grad in grads.items():
            state[name].sub_(learning_rate * grad)
        losses.append(loss)
    return torch.stack(losses)


def train_step(state, x, y, learning_rate):
    state, losses = train(state, x, y, learning_rate, 1)
    return state, losses[0]


def train(state, x, y, learning_rate, steps):
    rate = x.new_full((), learning_rate)  # a tensor: each new Python float would be compiled anew
    blocks = [BLOCK] * (steps // BLOCK) + [1] * (steps % BLOCK)
    return state, torch.cat([descend(state, x, y, rate, block) for block in blocks])
