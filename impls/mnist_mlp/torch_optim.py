"""PyTorch optim: optimisers hold the weights and their own memory, and step() moves each weight."""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from . import torch_nn

READ_AFTER = "torch_nn"
SLOTS = {"momentum": "momentum_buffer", "adam_m": "exp_avg", "adam_v": "exp_avg_sq"}


class State(NamedTuple):
    model: torch.nn.Sequential
    sgd: torch.optim.SGD
    adam: torch.optim.Adam


def adopt(params):
    model = torch_nn.adopt(params)
    state = State(model, torch.optim.SGD(model.parameters()), torch.optim.Adam(model.parameters()))
    for name, p in torch_nn.named(model).items():
        if f"momentum/{name}" in params:
            state.sgd.state[p] = {"momentum_buffer": params[f"momentum/{name}"].t().contiguous()}
        if f"adam_m/{name}" in params:
            m, v = params[f"adam_m/{name}"], params[f"adam_v/{name}"]
            state.adam.state[p] = {
                # Adam keeps its count on the CPU, as a float32, where each step reads it
                "step": params["adam_step"].float().cpu(),
                "exp_avg": m.t().contiguous(),
                "exp_avg_sq": v.t().contiguous(),
            }
    return state


def export(state):
    params = torch_nn.export(state.model)
    for name, p in torch_nn.named(state.model).items():
        memory = state.sgd.state[p] | state.adam.state[p]
        params |= {f"{key}/{name}": memory[slot].t() for key, slot in SLOTS.items() if slot in memory}
        if "step" in memory:
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

    optimizer.zero_grad()
    loss = F.cross_entropy(state.model(x), y)
    loss.backward()
    optimizer.step()
    return state, loss.detach()


def train_step(state, x, y, learning_rate):
    return step(state, state.sgd, x, y, lr=learning_rate, momentum=0)


def momentum_step(state, x, y, learning_rate, momentum):
    return step(state, state.sgd, x, y, lr=learning_rate, momentum=momentum)


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    return step(state, state.adam, x, y, lr=learning_rate, betas=(beta1, beta2), eps=eps)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:
        x = torch_nn.normalise(images.index_select(0, batch), state.model, mean, std)
        state, loss = train_step(state, x, labels[batch], learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)


def evaluate(state, images, labels, mean, std):
    return torch_nn.evaluate(state.model, images, labels, mean, std)
