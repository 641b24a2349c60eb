"""One step of an LSTM over time in PyTorch: nn.LSTM, nn.Linear and an optimiser."""

import torch
from torch import nn


def prepare(params, arrays, numbers):
    p = {name: torch.tensor(value, dtype=torch.float32) for name, value in params.items()}
    x, y = (torch.tensor(arrays[name], dtype=torch.float32) for name in ("x", "y"))
    lstm, linear = nn.LSTM(len(p["w_x"]), len(p["w_h"])), nn.Linear(*p["w_y"].shape)
    lstm.load_state_dict(
        {
            "weight_ih_l0": p["w_x"].T, "weight_hh_l0": p["w_h"].T,
            "bias_ih_l0": p["b_x"], "bias_hh_l0": torch.zeros_like(p["b_x"]),
        }
    )  # fmt: skip
    linear.load_state_dict({"weight": p["w_y"].T, "bias": p["b_y"]})
    lstm.bias_hh_l0.requires_grad_(False)
    trained = [weight for layer in (lstm, linear) for weight in layer.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=numbers["learning_rate"])
    carry = tuple(p["carry"].split(1))

    def run():
        nonlocal carry
        optimizer.zero_grad()
        h, (last_h, last_c) = lstm(x, carry)
        loss = nn.functional.mse_loss(linear(h), y)
        loss.backward()
        optimizer.step()
        carry = last_h.detach(), last_c.detach()
        return loss.item()

    return run
