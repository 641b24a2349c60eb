"""PyTorch autograd: the loop over the steps is recorded, and played back from the last step to the first."""

import torch

READ_AFTER = "torch_manual"


def adopt(params):
    # The carry is no weight, and nothing flows back into it
    return {n: value if n == "carry" else value.requires_grad_() for n, value in params.items()}


def export(state):
    return dict(state)


def weights(state):
    return {name: value for name, value in state.items() if name != "carry"}


def gru(state, a_x, carry):
    (h,), w_h = carry, state["w_h"]
    rz = 2 * h.shape[1]  # the columns of r and z; those of n follow
    r, z = torch.sigmoid(torch.addmm(a_x[:, :rz], h, w_h[:, :rz])).chunk(2, dim=1)
    n = torch.tanh(torch.addmm(a_x[:, rz:], r * h, w_h[:, rz:]))
    return (torch.lerp(n, h, z),)  # n + z (h - n), which is (1 - z) n + z h


def gru_reset_after(state, a_x, carry):
    (h,) = carry
    rz = 2 * h.shape[1]
    a_h = torch.addmm(state["b_h"], h, state["w_h"])
    r, z = torch.sigmoid(a_x[:, :rz] + a_h[:, :rz]).chunk(2, dim=1)
    n = torch.tanh(torch.addcmul(a_x[:, rz:], r, a_h[:, rz:]))
    return (torch.lerp(n, h, z),)


def lstm(state, a_x, carry):
    h, c = carry
    a_i, a_f, a_g, a_o = torch.addmm(a_x, h, state["w_h"]).chunk(4, dim=1)
    i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
    c = torch.addcmul(f * c, i, g)
    return o * torch.tanh(c), c


def cell_of(state):
    """The cell, by what the state has: an LSTM two carries, the later reset a bias b_h."""
    if len(state["carry"]) == 2:
        return lstm
    return gru_reset_after if "b_h" in state else gru


def unrolled(state, x):
    """The carries after each step."""
    cell = cell_of(state)
    a_x = x @ state["w_x"] + state["b_x"]  # of all steps at once: no step of it waits for another
    carry, carries = tuple(state["carry"]), []
    for a in a_x:
        carry = cell(state, a, carry)
        carries.append(carry)
    return carries


def read_out(state, carries):
    return torch.stack([h for h, *_ in carries]) @ state["w_y"] + state["b_y"]


@torch.inference_mode()  # nothing is recorded
def forward(state, x):
    return read_out(state, unrolled(state, x))


def trace(state, x, y):
    carries = unrolled(state, x)
    hidden = [h for h, *_ in carries]
    y_pred = read_out(state, carries)
    loss = (y_pred - y).square().mean()
    wanted = weights(state) | {"y_pred": y_pred}  # every value on the way can be asked for its gradient
    grads = torch.autograd.grad(loss, [*wanted.values(), *hidden])
    seen = {
        "first_carry": torch.stack(carries[0]), "h": torch.stack(hidden),
        "last_carry": torch.stack(carries[-1]), "y_pred": y_pred, "loss": loss,
        "grad_h": torch.stack(grads[len(wanted) :]),
    }  # fmt: skip
    return seen | {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=False)}


def gradients(state, x, y):
    # Forward pass
    carries = unrolled(state, x)
    y_pred = read_out(state, carries)

    # Loss
    loss = (y_pred - y).square().mean()

    # Backward pass: grad adds up the steps, each of which used the weights
    params = weights(state)
    grads = torch.autograd.grad(loss, params.values())
    return loss.detach(), dict(zip(params, grads, strict=True)), torch.stack(carries[-1]).detach()


def loss_and_grads(state, x, y):
    loss, grads, _ = gradients(state, x, y)
    return loss, grads


def train_step(state, x, y, learning_rate):
    loss, grads, state["carry"] = gradients(state, x, y)
    with torch.no_grad():  # the update is not part of the network
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss
