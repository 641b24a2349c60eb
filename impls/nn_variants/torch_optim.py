"""PyTorch nn and optim: layers hold the weights, optimisers their memory, and step() moves each weight."""

from typing import NamedTuple

import torch
from torch import nn

READ_AFTER = "torch_autograd"
SLOTS = {"momentum": "momentum_buffer", "adam_m": "exp_avg", "adam_v": "exp_avg_sq"}

# optim.SGD keeps the rate out of its velocity, and optim.Adam corrects the second moment before it adds eps.
# Neither can be told the other way, so inner_momentum_train and adam_eps_hat_step are not here.


class State(NamedTuple):
    model: nn.Sequential
    sgd: torch.optim.SGD
    adam: torch.optim.Adam


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
    state = State(model, torch.optim.SGD(model.parameters()), torch.optim.Adam(model.parameters()))
    for name, p in named(model).items():
        memory = {SLOTS[kind]: params[f"{kind}/{name}"].t().contiguous()
                  for kind in SLOTS if f"{kind}/{name}" in params}  # fmt: skip
        if "momentum_buffer" in memory:
            state.sgd.state[p] = {"momentum_buffer": memory.pop("momentum_buffer")}
        if memory:
            # Adam keeps its count on the CPU, as a float32, where each step reads it
            state.adam.state[p] = memory | {"step": params["adam_step"].float().cpu()}
    return state


def export(state):
    params = {}
    for name, p in named(state.model).items():
        params[name] = p.t()  # t() leaves a bias as it is
        memory = state.sgd.state[p] | state.adam.state[p]
        params |= {f"{kind}/{name}": memory[slot].t() for kind, slot in SLOTS.items() if slot in memory}
        if "step" in memory:
            params["adam_step"] = memory["step"].long()
    return params


@torch.inference_mode()
def forward(state, x):
    return state.model(x)


def loss_and_grads(state, x, y):
    state.model.zero_grad()

    # Forward pass
    y_pred = state.model(x)

    # Loss
    loss = nn.functional.mse_loss(y_pred, y, reduction="sum")

    # Backward pass
    loss.backward()

    return loss.detach(), {name: p.grad.t() for name, p in named(state.model).items()}


def step(state, optimizer, x, y, **settings):
    for group in optimizer.param_groups:  # where a schedule would change them, too
        group.update(settings)

    loss, _ = loss_and_grads(state, x, y)
    optimizer.step()
    return state, loss


def train_step(state, x, y, learning_rate):
    return step(state, state.sgd, x, y, lr=learning_rate, momentum=0)


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    return step(state, state.adam, x, y, lr=learning_rate, betas=(beta1, beta2), eps=eps)


def many(state, x, y, learning_rates, momentum):
    losses = []
    for learning_rate in learning_rates:
        state, loss = step(state, state.sgd, x, y, lr=learning_rate, momentum=momentum)
        losses.append(loss)
    return state, torch.stack(losses)


def train(state, x, y, learning_rate, steps):
    return many(state, x, y, [learning_rate] * steps, momentum=0)


def momentum_train(state, x, y, learning_rates, momentum):
    return many(state, x, y, learning_rates.tolist(), momentum)
