"""PyTorch nn and optim: a module whose forward is plain Python, and SGD that keeps the momentum."""

from typing import NamedTuple

import torch
from torch import nn

READ_AFTER = "torch_autograd"


class DynamicNet(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.first, self.shared, self.last = layers

    def forward(self, x, depth):
        h_relu = torch.relu(self.first(x))
        for _ in range(depth):
            h_relu = torch.relu(self.shared(h_relu))
        return self.last(h_relu)


class State(NamedTuple):
    model: DynamicNet
    sgd: torch.optim.SGD


def linear(w, b):
    layer = nn.Linear(*w.shape, device="meta")  # no memory, no initial values
    # nn.Linear keeps its weight as (out, in), and computes x @ weight.T + bias
    layer.weight, layer.bias = nn.Parameter(w.T.contiguous()), nn.Parameter(b)
    return layer


def adopt(params):
    model = DynamicNet([linear(params[f"w{i}"], params[f"b{i}"]) for i in (1, 2, 3)])
    state = State(model, torch.optim.SGD(model.parameters()))
    for name, p in named(model).items():
        if f"momentum/{name}" in params:
            state.sgd.state[p]["momentum_buffer"] = params[f"momentum/{name}"].t().contiguous()
        p.grad = torch.zeros_like(p)  # SGD passes over a weight whose gradient is None
    return state


def named(model):
    layers = enumerate((model.first, model.shared, model.last), start=1)
    return {f"{kind}{i}": p for i, layer in layers for kind, p in zip("wb", layer.parameters(), strict=True)}


def export(state):
    params, memory = named(state.model), state.sgd.state
    buffers = {f"momentum/{name}": memory[p]["momentum_buffer"] for name, p in params.items() if memory[p]}
    return {name: value.t() for name, value in (params | buffers).items()}  # t() leaves a bias as it is


@torch.inference_mode()
def forward(state, x, depth):
    return state.model(x, depth)


def loss_and_grads(state, x, y, depth):
    state.sgd.zero_grad(set_to_none=False)  # the shared layer, where it is not used, has gradient 0

    # Forward pass
    y_pred = state.model(x, depth)

    # Loss
    loss = (y_pred - y).square().sum()

    # Backward pass
    loss.backward()

    return loss.detach(), {name: p.grad.t() for name, p in named(state.model).items()}


def train_step(state, x, y, depth, learning_rate, momentum):
    for group in state.sgd.param_groups:  # where a schedule would change them, too
        group.update(lr=learning_rate, momentum=momentum)

    loss, _ = loss_and_grads(state, x, y, depth)
    state.sgd.step()
    return state, loss


def train(state, x, y, depths, learning_rate, momentum):
    losses = []
    for depth in depths.tolist():  # fetched from the device at once: range() would wait for each
        state, loss = train_step(state, x, y, depth, learning_rate, momentum)
        losses.append(loss)
    return state, torch.stack(losses)
