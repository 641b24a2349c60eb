"""PyTorch SDPA: one call for scores, softmax and mixture, which keeps no (t, t) matrix for the way back."""

import torch
import torch.nn.functional as F

from .torch_autograd import (
    adopt,
    cross_entropy,
    depth,
    export,
    gelu,
    heads_of,
    layer_norm,
    of_block,
    visible,
    weights,
)

READ_AFTER = "torch_autograd"


def attention(qkv, mask):
    q, k, v = heads_of(qkv)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)


def block(w, h, mask, tanh, attention):
    d = h.shape[-1]

    # Attention
    attn_norm = layer_norm(h, w["attn_scale"], w["attn_shift"])
    qkv = F.linear(attn_norm, w["w_qkv"].reshape(d, -1).T, w["b_qkv"].flatten())
    mixed = attention(qkv.unflatten(-1, w["b_qkv"].shape), mask).reshape(h.shape)
    attended = h + F.linear(mixed, w["w_out"].reshape(d, d).T, w["b_out"])

    # MLP
    mlp_norm = layer_norm(attended, w["mlp_scale"], w["mlp_shift"])
    up = F.linear(mlp_norm, w["w_up"].T, w["b_up"])
    return attended + F.linear(gelu(up, tanh), w["w_down"].T, w["b_down"])


def network(state, x, tanh, attention=attention):
    mask, seen = visible(x), {}
    h = seen["h0"] = F.embedding(x, state["embedding"]) + state["positions"]
    for i in range(1, depth(state) + 1):
        h = seen[f"h{i}"] = block(of_block(state, i), h, mask, tanh, attention)
    seen["norm"] = layer_norm(h, state["scale"], state["shift"])
    seen["logits"] = F.linear(seen["norm"], state["embedding"])
    return seen


@torch.inference_mode()
def forward(state, x, tanh):
    return network(state, x, tanh)["logits"]


def trace(state, x, y, tanh, smoothing, attention=attention):
    seen = network(state, x, tanh, attention)
    loss = cross_entropy(seen["logits"], y, smoothing)
    wanted = weights(state) | seen
    grads = torch.autograd.grad(loss, wanted.values())
    grads = {f"grad_{name}": grad for name, grad in zip(wanted, grads, strict=True)}
    return seen | {"loss": loss} | grads


def loss_and_grads(state, x, y, tanh, smoothing, attention=attention):
    logits = network(state, x, tanh, attention)["logits"]
    loss = cross_entropy(logits, y, smoothing)
    wanted = weights(state)
    grads = torch.autograd.grad(loss, wanted.values())
    return loss.detach(), dict(zip(wanted, grads, strict=True))


def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss
