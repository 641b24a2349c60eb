"""PyTorch nn: modules own the weights, and backward() leaves each gradient in .grad."""

import torch
import torch.nn.functional as F
from torch import nn

from .torch_autograd import cross_entropy, depth, gelu, visible

READ_AFTER = "torch_sdpa"

#: The name of each param of a block in the module.
MODULES = {
    "attn_scale": "attn_norm.weight", "attn_shift": "attn_norm.bias",
    "w_qkv": "attn.in_proj_weight", "b_qkv": "attn.in_proj_bias",
    "w_out": "attn.out_proj.weight", "b_out": "attn.out_proj.bias",
    "mlp_scale": "mlp_norm.weight", "mlp_shift": "mlp_norm.bias",
    "w_up": "up.weight", "b_up": "up.bias", "w_down": "down.weight", "b_down": "down.bias",
}  # fmt: skip


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attn_norm = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, h, mask, tanh):
        a = self.attn_norm(h)
        out, _ = self.attn(a, a, a, attn_mask=mask, need_weights=False)
        h = h + out
        up = self.up(self.mlp_norm(h))
        return h + self.down(gelu(up, tanh))


class Decoder(nn.Module):
    def __init__(self, vocabulary, length, width, heads, hidden, blocks):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(length, width))
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, x, tanh):
        # nn.MultiheadAttention wants one mask for each head of each row, True where it must not look
        mask = ~visible(x).expand(-1, self.blocks[0].attn.num_heads, -1, -1).flatten(0, 1)
        h = self.embedding(x) + self.positions
        for block in self.blocks:
            h = block(h, mask, tanh)
        return F.linear(self.norm(h), self.embedding.weight)


def module_names(blocks):
    names = {"embedding": "embedding.weight", "positions": "positions"}
    for i in range(1, blocks + 1):
        names |= {f"{name}{i}": f"blocks.{i - 1}.{module}" for name, module in MODULES.items()}
    return names | {"scale": "norm.weight", "shift": "norm.bias"}


def as_module_has_it(name, w):
    """Layers keep their weights as (out, in); MultiheadAttention knows the heads by their number alone."""
    if name.startswith("w_"):
        return w.flatten(end_dim=-2 if "out" in name else 0).flatten(1).T.contiguous()
    return w.flatten() if name.startswith("b_") else w


def adopt(params):
    (vocabulary, width), (length, _) = params["embedding"].shape, params["positions"].shape
    heads, hidden = params["b_qkv1"].shape[1], params["b_up1"].shape[0]
    with torch.device("meta"):  # no memory, no initial values: the weights are given
        model = Decoder(vocabulary, length, width, heads, hidden, depth(params))
    names = module_names(depth(params))
    model.load_state_dict({names[n]: as_module_has_it(n, params[n]) for n in names}, assign=True)
    model.shapes = {name: params[name].shape for name in names}
    return model


def named(model):
    found = dict(model.named_parameters())
    return {name: found[module] for name, module in module_names(len(model.blocks)).items()}


def as_given(model, name, w):
    return (w.T if name.startswith("w_") else w).reshape(model.shapes[name])


def export(state):
    return {name: as_given(state, name, p) for name, p in named(state).items()}


@torch.inference_mode()
def forward(state, x, tanh):
    return state(x, tanh)


def loss_and_grads(state, x, y, tanh, smoothing):
    state.zero_grad()

    # Forward pass
    logits = state(x, tanh)

    # Loss
    loss = cross_entropy(logits, y, smoothing)

    # Backward pass
    loss.backward()

    return loss.detach(), {name: as_given(state, name, p.grad) for name, p in named(state).items()}


def trace(state, x, y, tanh, smoothing):
    logits = state(x, tanh)
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return {"logits": logits, "loss": loss} | {f"grad_{name}": grad for name, grad in grads.items()}


def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, _ = loss_and_grads(state, x, y, tanh, smoothing)
    with torch.no_grad():
        for p in state.parameters():
            p.sub_(p.grad, alpha=learning_rate)
    return state, loss
