"""One step of a transformer block in PyTorch: modules, scaled_dot_product_attention and an optimiser."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, h, mask):
        n, t, width = h.shape
        q, k, v = self.qkv(self.ln1(h)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        h = h + self.out(mixed.transpose(1, 2).reshape(n, t, width))
        return h + self.mlp(self.ln2(h))


class Decoder(nn.Module):
    def __init__(self, vocabulary, length, width, heads):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(length, width))
        self.block = Block(width, heads)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        t = x.shape[1]
        mask = torch.tril((x != 0)[:, None].expand(-1, t, -1)) | torch.eye(t, dtype=torch.bool)
        h = self.block(self.embedding(x) + self.positions, mask[:, None])
        return nn.functional.linear(self.norm(h), self.embedding.weight)


def build(params):
    p = {name: torch.tensor(value, dtype=torch.float32) for name, value in params.items()}
    width = p["embedding"].shape[1]
    model = Decoder(len(p["embedding"]), len(p["positions"]), width, p["b_qkv1"].shape[1])
    values = {
        "embedding.weight": p["embedding"], "positions": p["positions"],
        "block.ln1.weight": p["attn_scale1"], "block.ln1.bias": p["attn_shift1"],
        "block.qkv.weight": p["w_qkv1"].reshape(width, -1).T, "block.qkv.bias": p["b_qkv1"].reshape(-1),
        "block.out.weight": p["w_out1"].reshape(width, width).T, "block.out.bias": p["b_out1"],
        "block.ln2.weight": p["mlp_scale1"], "block.ln2.bias": p["mlp_shift1"],
        "block.mlp.0.weight": p["w_up1"].T, "block.mlp.0.bias": p["b_up1"],
        "block.mlp.2.weight": p["w_down1"].T, "block.mlp.2.bias": p["b_down1"],
        "norm.weight": p["scale"], "norm.bias": p["shift"],
    }  # fmt: skip
    model.load_state_dict(values)
    return model


def prepare(params, arrays, numbers):
    model = build(params)
    optimizer = torch.optim.SGD(model.parameters(), lr=numbers["learning_rate"])
    x, y = torch.tensor(arrays["x"]).long(), torch.tensor(arrays["y"]).long()

    def run():
        optimizer.zero_grad()
        logits = model(x)
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1), y.flatten(), label_smoothing=numbers["smoothing"]
        )
        loss.backward()
        optimizer.step()
        return loss.item()

    return run
