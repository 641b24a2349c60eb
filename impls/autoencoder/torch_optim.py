"""PyTorch nn and optim: layers hold the weights, optim.Adam its own memory, and step() moves each weight."""

from typing import NamedTuple

import torch
from torch import nn

READ_AFTER = "torch_autograd"


class State(NamedTuple):
    model: nn.Sequential
    optimizer: torch.optim.Adam


def linear(w, b):
    layer = nn.Linear(*w.shape, device="meta")  # no memory, no initial values: the weights are given
    # nn.Linear keeps its weight as (out, in), and computes x @ weight.T + bias
    layer.weight, layer.bias = nn.Parameter(w.T.contiguous()), nn.Parameter(b)
    return layer


def named(model):
    return {"w1": model[0].weight, "b1": model[0].bias, "w2": model[2].weight, "b2": model[2].bias}


def adopt(params):
    layers = linear(params["w1"], params["b1"]), nn.ReLU(), linear(params["w2"], params["b2"])
    model = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters())
    for name, p in named(model).items():
        if "adam_step" in params:
            m, v = params[f"adam_m/{name}"], params[f"adam_v/{name}"]
            optimizer.state[p] = {
                # Adam keeps its count on the CPU, as a float32, where each step reads it
                "step": params["adam_step"].float().cpu(),
                "exp_avg": m.t().contiguous(),
                "exp_avg_sq": v.t().contiguous(),
            }
    return State(model, optimizer)


def export(state):
    params = {}
    for name, p in named(state.model).items():
        params[name] = p.t()  # t() leaves a bias as it is
        if memory := state.optimizer.state[p]:
            params[f"adam_m/{name}"] = memory["exp_avg"].t()
            params[f"adam_v/{name}"] = memory["exp_avg_sq"].t()
            params["adam_step"] = memory["step"].long()
    return params


@torch.inference_mode()
def forward(state, x):
    return torch.sigmoid(state.model(x))


def loss_and_grads(state, x, y):
    state.optimizer.zero_grad()

    # Forward pass
    logits = state.model(x)

    # Loss
    loss = nn.functional.binary_cross_entropy_with_logits(logits, y)

    # Backward pass
    loss.backward()

    return loss.detach(), {name: p.grad.t() for name, p in named(state.model).items()}


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    for group in state.optimizer.param_groups:  # where a schedule would set them
        group.update(lr=learning_rate, betas=(beta1, beta2), eps=eps)

    loss, _ = loss_and_grads(state, x, y)
    state.optimizer.step()
    return state, loss


def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate, beta1, beta2, eps)
        losses.append(loss)
    return state, torch.stack(losses)
