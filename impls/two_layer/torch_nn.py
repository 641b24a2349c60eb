"""PyTorch nn.Module: the module owns the weights, and backward() leaves each gradient in .grad."""

import torch
from torch import nn

READ_AFTER = "torch_autograd"


class TwoLayer(nn.Module):
    def __init__(self, d_in, width, d_out):
        super().__init__()
        self.linear1 = nn.Linear(d_in, width, bias=False)
        self.relu = nn.ReLU()
        self.linear2 = nn.Linear(width, d_out, bias=False)

    def forward(self, x):
        h = self.linear1(x)
        h_relu = self.relu(h)
        return self.linear2(h_relu)


def adopt(params):
    w1, w2 = params["w1"], params["w2"]
    with torch.device("meta"):  # no memory, no initial values: the weights are given
        model = TwoLayer(*w1.shape, w2.shape[1])
    # nn.Linear keeps its weight as (out, in), and computes x @ weight.T
    weights = {"linear1.weight": w1.T.contiguous(), "linear2.weight": w2.T.contiguous()}
    model.load_state_dict(weights, assign=True)
    return model


def export(state):
    return {"w1": state.linear1.weight.T, "w2": state.linear2.weight.T}


@torch.inference_mode()
def forward(state, x):
    return state(x)


def loss_and_grads(state, x, y):
    state.zero_grad()

    # Forward pass
    y_pred = state(x)

    # Loss
    loss = nn.functional.mse_loss(y_pred, y, reduction="sum")

    # Backward pass
    loss.backward()

    return loss.detach(), {"w1": state.linear1.weight.grad.T, "w2": state.linear2.weight.grad.T}


def trace(state, x, y):
    h = state.linear1(x)
    h_relu = state.relu(h)
    y_pred = state.linear2(h_relu)
    loss, grads = loss_and_grads(state, x, y)
    return {
        "h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss,
        "grad_w2": grads["w2"], "grad_w1": grads["w1"],
    }  # fmt: skip


def train_step(state, x, y, learning_rate):
    loss, _ = loss_and_grads(state, x, y)
    with torch.no_grad():
        for weight in state.parameters():
            weight.sub_(weight.grad, alpha=learning_rate)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
