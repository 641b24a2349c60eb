"""PyTorch optim: optimisers hold the weights and their own memory; the carry they do not know."""

from typing import NamedTuple

import torch

from . import torch_nn

READ_AFTER = "torch_nn"
SLOTS = {"adam_m": "exp_avg", "adam_v": "exp_avg_sq"}


class State(NamedTuple):
    model: torch_nn.Recurrent
    sgd: torch.optim.SGD
    adam: torch.optim.Adam


def adopt(params):
    model = torch_nn.adopt(params)
    weights = torch_nn.weights(model)  # an LSTM's second bias is not among them
    state = State(model, torch.optim.SGD(weights.values()), torch.optim.Adam(weights.values()))
    for name, p in weights.items():
        if f"adam_m/{name}" in params:
            # Adam keeps its count on the CPU, as a float32, where each step reads it
            memory = {slot: params[f"{key}/{name}"].t().contiguous() for key, slot in SLOTS.items()}
            state.adam.state[p] = {"step": params["adam_step"].float().cpu(), **memory}
    return state


def export(state):
    params = torch_nn.export(state.model)
    for name, p in torch_nn.weights(state.model).items():
        memory = state.adam.state[p]
        if memory:
            params |= {f"{key}/{name}": memory[slot].t() for key, slot in SLOTS.items()}
            params["adam_step"] = memory["step"].long()
    return params


def forward(state, x):
    return torch_nn.forward(state.model, x)


def trace(state, x, y):
    return torch_nn.trace(state.model, x, y)


def loss_and_grads(state, x, y):
    return torch_nn.loss_and_grads(state.model, x, y)


def step(state, optimizer, x, y, **settings):
    for group in optimizer.param_groups:  # where a schedule would change them, too
        group.update(settings)

    loss, state.model.carry = torch_nn.gradients(state.model, x, y)
    optimizer.step()
    return state, loss


def train_step(state, x, y, learning_rate):
    return step(state, state.sgd, x, y, lr=learning_rate)


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    return step(state, state.adam, x, y, lr=learning_rate, betas=(beta1, beta2), eps=eps)
