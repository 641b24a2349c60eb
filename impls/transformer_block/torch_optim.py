"""PyTorch optim: optimisers hold the weights and their own memory, and step() moves each weight."""

from typing import NamedTuple

import torch

from . import torch_nn
from .torch_nn import as_given, as_module_has_it, cross_entropy

READ_AFTER = "torch_nn"
SLOTS = {"adam_m": "exp_avg", "adam_v": "exp_avg_sq"}


class State(NamedTuple):
    model: torch_nn.Decoder
    sgd: torch.optim.SGD
    adam: torch.optim.Adam


def adopt(params):
    model = torch_nn.adopt(params)
    state = State(model, torch.optim.SGD(model.parameters()), torch.optim.Adam(model.parameters()))
    for name, p in torch_nn.named(model).items():
        if f"adam_m/{name}" in params:
            # Adam keeps its count on the CPU, as a float32, where each step reads it
            state.adam.state[p] = {"step": params["adam_step"].float().cpu()} | {
                slot: as_module_has_it(name, params[f"{kind}/{name}"]) for kind, slot in SLOTS.items()
            }
    return state


def export(state):
    params = torch_nn.export(state.model)
    for name, p in torch_nn.named(state.model).items():
        memory = state.adam.state[p]
        if "step" in memory:
            params["adam_step"] = memory["step"].long()
            for kind, slot in SLOTS.items():
                params[f"{kind}/{name}"] = as_given(state.model, name, memory[slot])
    return params


def forward(state, x, tanh):
    return torch_nn.forward(state.model, x, tanh)


def trace(state, x, y, tanh, smoothing):
    return torch_nn.trace(state.model, x, y, tanh, smoothing)


def loss_and_grads(state, x, y, tanh, smoothing):
    return torch_nn.loss_and_grads(state.model, x, y, tanh, smoothing)


def step(state, optimizer, x, y, tanh, smoothing, **settings):
    for group in optimizer.param_groups:  # where a schedule would change them, too
        group.update(settings)

    optimizer.zero_grad()
    loss = cross_entropy(state.model(x, tanh), y, smoothing)
    loss.backward()
    optimizer.step()
    return state, loss.detach()


def train_step(state, x, y, tanh, smoothing, learning_rate):
    return step(state, state.sgd, x, y, tanh, smoothing, lr=learning_rate)


def adam_step(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    return step(state, state.adam, x, y, tanh, smoothing, lr=learning_rate, betas=(beta1, beta2), eps=eps)
