"""PyTorch compiled: what lies between the products becomes few loops, and so does the update."""

import torch

from .torch_sdpa import cross_entropy, export, network

READ_AFTER = "torch_sdpa"

torch.compiler.config.recompile_limit = 64  # one graph for each shape; the default keeps 8


def adopt(params):
    return dict(params)


def compiled(function):
    return torch.compile(function, fullgraph=True, dynamic=False)


@compiled
def forward(state, x, tanh):
    return network(state, x, tanh)["logits"]


def loss_fn(state, x, y, tanh, smoothing):
    return cross_entropy(network(state, x, tanh)["logits"], y, smoothing)


@compiled
def loss_and_grads(state, x, y, tanh, smoothing):
    # Unlike loss.backward(), a transform of functions is traced as part of the graph around it
    grads, loss = torch.func.grad_and_value(loss_fn)(state, x, y, tanh, smoothing)
    return loss, grads


@compiled
def descend(state, x, y, tanh, smoothing, learning_rate):
    grads, loss = torch.func.grad_and_value(loss_fn)(state, x, y, tanh, smoothing)
    for name, grad in grads.items():
        state[name].sub_(learning_rate * grad)
    return loss


def train_step(state, x, y, tanh, smoothing, learning_rate):
    rate = state["scale"].new_full((), learning_rate)  # each new Python float would be compiled anew
    return state, descend(state, x, y, tanh, smoothing, rate)
