"""PyTorch nn: nn.GRU and nn.LSTM run the loop, and a buffer of the module keeps the carry."""

import torch
import torch.nn.functional as F
from torch import nn

READ_AFTER = "torch_autograd"


class GRUResetBefore(nn.Module):
    """nn.GRU resets after the product. This one does before, and has nn.GRU's names and layouts."""

    def __init__(self, d_in, hidden):
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * hidden, d_in))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * hidden, hidden))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * hidden))

    def forward(self, x, carry):
        a_x = F.linear(x, self.weight_ih_l0, self.bias_ih_l0)
        rz = 2 * carry.shape[2]
        w_rz, w_n = self.weight_hh_l0[:rz], self.weight_hh_l0[rz:]
        (h,), outputs = carry, []
        for a in a_x:
            r, z = torch.sigmoid(a[:, :rz] + F.linear(h, w_rz)).chunk(2, dim=1)
            n = torch.tanh(a[:, rz:] + F.linear(r * h, w_n))
            h = torch.lerp(n, h, z)
            outputs.append(h)
        return torch.stack(outputs), h[None]


class Recurrent(nn.Module):
    def __init__(self, rnn, read_out, carry):
        super().__init__()
        self.rnn, self.read_out = rnn, read_out
        self.register_buffer("carry", carry)  # state, but no parameter

    def unroll(self, x):
        if isinstance(self.rnn, nn.LSTM):
            h, carry = self.rnn(x, tuple(self.carry.split(1)))
            return h, torch.cat(carry)
        return self.rnn(x, self.carry)

    def forward(self, x):
        h, carry = self.unroll(x)
        return self.read_out(h), carry


def adopt(params):
    (d_in, _), hidden = params["w_x"].shape, len(params["w_h"])
    kind = GRUResetBefore
    if len(params["carry"]) == 2:
        kind = nn.LSTM
    elif "b_h" in params:
        kind = nn.GRU
    with torch.device("meta"):  # no memory, no initial values
        rnn, read_out = kind(d_in, hidden), nn.Linear(*params["w_y"].shape)
    if kind is nn.LSTM:  # it has a bias beside each product: the second stays 0
        rnn.bias_hh_l0 = nn.Parameter(torch.zeros_like(params["b_x"]), requires_grad=False)
    model = Recurrent(rnn, read_out, params["carry"])
    for name, (layer, attribute) in places(model).items():
        # PyTorch keeps a weight as (out, in), and computes x @ weight.T + bias
        setattr(layer, attribute, nn.Parameter(params[name].t().contiguous()))  # t() leaves a bias as it is
    return model


def places(model):
    """The layer and the attribute of each weight."""
    names = {"w_x": "weight_ih_l0", "w_h": "weight_hh_l0", "b_x": "bias_ih_l0"}
    if isinstance(model.rnn, nn.GRU):
        names["b_h"] = "bias_hh_l0"
    found = {name: (model.rnn, attribute) for name, attribute in names.items()}
    return found | {"w_y": (model.read_out, "weight"), "b_y": (model.read_out, "bias")}


def weights(model):
    return {name: getattr(layer, attribute) for name, (layer, attribute) in places(model).items()}


def export(state):
    return {name: p.t() for name, p in weights(state).items()} | {"carry": state.carry}


@torch.inference_mode()
def forward(state, x):
    y_pred, _ = state(x)
    return y_pred


def trace(state, x, y):
    h, carry = state.unroll(x)
    y_pred = state.read_out(h)
    loss, grads = loss_and_grads(state, x, y)
    seen = {"h": h, "last_carry": carry, "y_pred": y_pred, "loss": loss}
    return seen | {f"grad_{name}": grad for name, grad in grads.items()}


def gradients(state, x, y):
    """The loss and the last carry; the gradients are left in .grad."""
    state.zero_grad()

    # Forward pass
    y_pred, carry = state(x)

    # Loss
    loss = F.mse_loss(y_pred, y)

    # Backward pass
    loss.backward()

    return loss.detach(), carry.detach()


def loss_and_grads(state, x, y):
    loss, _ = gradients(state, x, y)
    return loss, {name: p.grad.t() for name, p in weights(state).items()}


def train_step(state, x, y, learning_rate):
    loss, state.carry = gradients(state, x, y)
    with torch.no_grad():
        for p in weights(state).values():
            p.sub_(p.grad, alpha=learning_rate)
    return state, loss
