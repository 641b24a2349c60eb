"""The zoo: layers, losses and composite functions."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils import parametrizations

from tests.agreement.arithmetic.torch.zoo import Case, Net, mlp, normal, whole

ENCODER = partial(nn.TransformerEncoderLayer, 16, 4, 32, batch_first=True)
TOKENS, ROWS, IMAGES = normal(3, 6, 16), normal(4, 8), normal(4, 3, 8, 8)


def masked_encoder() -> nn.Module:
    encoder = nn.TransformerEncoder(ENCODER(norm_first=True), 2, enable_nested_tensor=False).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    return Net(lambda self, x: self.layers[0](x, mask=mask, is_causal=True), encoder)


def cell_by_cell(self, x):
    h = c = torch.zeros(3, 8, dtype=x.dtype)
    for row in x:
        h, c = self.layers[0](row, (h, c))
    return h


def without_gradient(self, x):
    with torch.no_grad():
        h = self.layers[0](x)[0]
    return self.layers[1](h)


def packed(self, x):
    rows = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 3, 2]), batch_first=True)
    return nn.utils.rnn.pad_packed_sequence(self.layers[0](rows)[0], batch_first=True)[0]


def attend(self, x):
    return self.layers[0](x, x, x, need_weights=True)


def forced_flash(self, x):
    q = self.layers[0](x).view(2, 6, 2, 8).transpose(1, 2)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.FLASH_ATTENTION):
        return F.scaled_dot_product_attention(q, q, q, is_causal=True)


def tied() -> nn.Module:
    embedding, head = nn.Embedding(12, 8), nn.Linear(8, 12, bias=False)
    head.weight = embedding.weight
    return Net(lambda self, i: self.layers[1](self.layers[0](i)), embedding, head)


def three_dimensions(self, x):
    volume = x[:, :, None, None].expand(-1, -1, 3, 3, -1)
    return self.layers[0](x).mean() + self.layers[1](volume).flatten(1)


def channels_last(self, x):
    return self.layers[0](x.contiguous(memory_format=torch.channels_last)).permute(0, 2, 3, 1).view(-1, 4)


def rotary(self, x):
    q = torch.view_as_complex(self.layers[0](x).reshape(4, 4, 2))
    angles = torch.arange(4).to(x.dtype)
    return torch.view_as_real(q * torch.polar(torch.ones_like(angles), angles)).flatten(1)


def scans(self, x):
    product = torch.einsum("bi,bj,jk->bik", self.layers[0](x), x, self.layers[0].weight.T)
    return product.cumsum(1) + torch.cumprod(x[:, :4, None] * 0.5, 1)


def selections(self, x):
    h = self.layers[0](x)
    values, places = h.topk(2)
    z = torch.zeros_like(h).scatter(1, places, values).scatter_add(1, places, values * values)
    return z + h.sort(-1)[0]


def activations() -> nn.Module:
    kinds = (nn.PReLU, nn.ELU, nn.SELU, nn.Softplus, nn.Hardswish, nn.Mish, nn.LeakyReLU, nn.Softsign)
    return nn.Sequential(
        nn.Linear(8, 8), *[kind() for kind in kinds], nn.LogSigmoid(), nn.Hardtanh(), nn.GLU()
    )


def windows() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(4, 8, 3, groups=2, padding="same"), nn.ConvTranspose2d(8, 4, 2, 2), nn.AvgPool2d(2),
        nn.AdaptiveAvgPool2d(3), nn.Upsample(scale_factor=2, mode="bilinear"), nn.PixelShuffle(2),
        nn.ReflectionPad2d(1), nn.Unfold(2),
    )  # fmt: skip


def conv_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64, 3),
    )  # fmt: skip


def norms() -> nn.Module:
    instance = nn.InstanceNorm2d(4, affine=True, track_running_stats=True)
    return nn.Sequential(instance, nn.GroupNorm(2, 4), nn.LocalResponseNorm(2))


def loss(function, inputs=None) -> Case:
    return Case(lambda: nn.Linear(8, 6), [normal(5, 8)], loss=function)


CLASSES, TARGETS = whole(6, 5), normal(5, 6).sigmoid()

LAYERS = {
    "MLP": Case(mlp, [normal(5, 8)]),
    "encoder": Case(lambda: nn.TransformerEncoder(ENCODER(dropout=0.0), 2), [TOKENS]),
    "encoder, eval, mask": Case(masked_encoder, [TOKENS]),
    "encoder, dropout": Case(lambda: ENCODER(dropout=0.2), [TOKENS], doubles=False),
    "transformer": Case(
        lambda: nn.Transformer(16, 4, 1, 1, 32, dropout=0.0, batch_first=True),
        [normal(2, 5, 16), normal(2, 4, 16, seed=3)],
    ),
    "attention with weights": Case(
        lambda: Net(attend, nn.MultiheadAttention(16, 4, batch_first=True, add_bias_kv=True)),
        [normal(2, 5, 16)],
    ),
    "LSTM": Case(lambda: nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True), [normal(3, 5, 6)]),
    "LSTM, eval, projected": Case(lambda: nn.LSTM(6, 8, proj_size=4).eval(), [normal(5, 3, 6)]),
    "GRU": Case(lambda: nn.GRU(6, 8, 2), [normal(5, 3, 6)]),
    "GRU without gradient": Case(
        lambda: Net(without_gradient, nn.GRU(6, 8).eval(), nn.Linear(8, 2)), [normal(5, 3, 6)]
    ),
    "LSTM cell": Case(lambda: Net(cell_by_cell, nn.LSTMCell(6, 8)), [normal(4, 3, 6)]),
    "packed sequences": Case(lambda: Net(packed, nn.LSTM(6, 8, batch_first=True)), [normal(3, 5, 6)]),
    "flash attention": Case(lambda: Net(forced_flash, nn.Linear(16, 16)), [normal(2, 6, 16)]),
    "batch norm": Case(conv_net, [IMAGES], steps=2),
    "batch norm, eval": Case(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval(), [IMAGES]),
    "batch norm, cumulative": Case(lambda: nn.BatchNorm1d(6, momentum=None), [normal(9, 6)], steps=2),
    "other norms": Case(norms, [normal(3, 4, 5, 5)]),
    "tied weights": Case(tied, [whole(12, 3, 4)], steps=2),
    "weight norm": Case(lambda: parametrizations.weight_norm(nn.Linear(8, 5)), [ROWS], steps=2),
    "spectral norm": Case(lambda: parametrizations.spectral_norm(nn.Linear(8, 5)), [ROWS], steps=2),
    "orthogonal": Case(
        lambda: parametrizations.orthogonal(nn.Linear(5, 5), orthogonal_map="cayley"),
        [normal(4, 5)],
    ),
    "orthogonal, by exponentials": Case(
        lambda: parametrizations.orthogonal(nn.Linear(5, 5)), [normal(4, 5)], refused="matrix_exp"
    ),
    "embedding bag": Case(
        lambda: Net(lambda self, i: self.layers[0](i, torch.tensor([0, 3, 5])), nn.EmbeddingBag(12, 6)),
        [whole(12, 8)],
    ),
    "sparse gradient": Case(
        lambda: nn.Sequential(nn.Embedding(12, 6, sparse=True), nn.Linear(6, 2)),
        [whole(12, 5)],
        refused="sparse",
    ),
    "largest norm": Case(lambda: nn.Embedding(12, 6, max_norm=1.0), [whole(12, 5)]),
    "activations": Case(activations, [ROWS]),
    "random slopes": Case(lambda: nn.Sequential(nn.Linear(8, 4), nn.RReLU()), [ROWS], refused="rrelu"),
    "convolutions": Case(windows, [normal(2, 4, 6, 6)]),
    "channels last": Case(lambda: Net(channels_last, nn.Conv2d(3, 4, 3)), [normal(2, 3, 6, 6)]),
    "one and three dimensions": Case(
        lambda: Net(three_dimensions, nn.Conv1d(3, 4, 3, dilation=2), nn.Conv3d(3, 2, 2)), [normal(2, 3, 8)]
    ),
    "rotary, complex": Case(lambda: Net(rotary, nn.Linear(8, 8)), [ROWS]),
    "FFT": Case(
        lambda: Net(lambda self, x: torch.fft.fft2(self.layers[0](x)).real, nn.Linear(8, 8)),
        [ROWS],
    ),
    "linear system": Case(
        lambda: Net(lambda self, x: torch.linalg.solve(self.layers[0](x).T @ x, x.T).mT, nn.Linear(8, 8)),
        [normal(12, 8)],
    ),
    "linalg": Case(
        lambda: Net(lambda self, x: torch.linalg.svdvals(self.layers[0](x)), nn.Linear(8, 4)),
        [ROWS],
        refused="linalg",
    ),
    "scans": Case(lambda: Net(scans, nn.Linear(8, 4)), [ROWS]),
    "sort, top and scatter": Case(lambda: Net(selections, nn.Linear(8, 4)), [ROWS]),
    "cross entropy, smoothed": loss(
        lambda y: F.cross_entropy(y, CLASSES, label_smoothing=0.1, ignore_index=1)
    ),
    "binary cross entropy": loss(lambda y: F.binary_cross_entropy_with_logits(y, TARGETS.to(y.dtype))),
    "Kullback-Leibler": loss(
        lambda y: F.kl_div(y.log_softmax(-1), TARGETS.to(y.dtype).softmax(-1), reduction="batchmean")
    ),
    "triplets": loss(
        lambda y: (
            F.triplet_margin_loss(y[:2], y[1:3], y[2:4])
            + F.cosine_embedding_loss(y[:2], y[2:4], torch.tensor([1, -1]))
            + F.pairwise_distance(y[:2], y[2:4]).sum()
        )
    ),
    "other losses": loss(
        lambda y: (
            F.poisson_nll_loss(y, CLASSES[:, None].expand(5, 6).to(y.dtype))
            + F.gaussian_nll_loss(y, y.detach() * 2, torch.ones_like(y))
            + F.smooth_l1_loss(y, y.detach() + 1)
            + F.huber_loss(y, y.detach() + 2)
        )
    ),
    "CTC": Case(
        lambda: nn.Linear(8, 6),
        [normal(5, 8)],
        loss=lambda y: F.ctc_loss(
            y.log_softmax(-1)[:, None], torch.ones(1, 2).long(), torch.tensor([5]), torch.tensor([2])
        ),
    ),
}
