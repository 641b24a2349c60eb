"""The same tagger in PyTorch, with packed sequences in place of the mask."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PAD = 0


class Tagger(nn.Module):
    """Token ids (batch, length), padded with 0, to logits (batch, length, tags)."""

    def __init__(self, tokens: int = 40, width: int = 12, hidden: int = 8, tags: int = 5) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, width)
        self.gru = nn.GRU(width, hidden, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * hidden, eps=1e-3)
        self.up = nn.Linear(2 * hidden, 4 * hidden)
        self.gelu = nn.GELU()
        self.head = nn.Linear(4 * hidden, tags)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        lengths = (ids != PAD).sum(1)
        packed = pack_padded_sequence(
            self.embedding(ids), lengths, batch_first=True, enforce_sorted=False
        )  # fmt: skip
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=ids.shape[1])
        return self.head(self.gelu(self.up(self.norm(states))))


def gates(kernel: np.ndarray) -> np.ndarray:
    """Return Keras's gates, columns (update, reset, new), as PyTorch's rows (reset, update, new)."""
    update, reset, new = np.split(kernel, 3, axis=-1)
    return np.concatenate([reset, update, new], axis=-1).T


def from_keras(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the port's state by name from the Keras model's weights by path.

    A GRU of Keras that resets after the product (its default) has two biases, as PyTorch's has.
    """
    found = {
        "embedding.weight": weights["embedding/embeddings"],
        "norm.weight": weights["norm/gamma"],
        "norm.bias": weights["norm/beta"],
    }
    for name in ("up", "head"):
        found |= {f"{name}.weight": weights[f"{name}/kernel"].T, f"{name}.bias": weights[f"{name}/bias"]}
    for direction, end in (("forward", "l0"), ("backward", "l0_reverse")):
        cell = f"both/{direction}_gru/gru_cell"
        bias_x, bias_h = weights[f"{cell}/bias"]
        found |= {
            f"gru.weight_ih_{end}": gates(weights[f"{cell}/kernel"]),
            f"gru.weight_hh_{end}": gates(weights[f"{cell}/recurrent_kernel"]),
            f"gru.bias_ih_{end}": gates(bias_x),
            f"gru.bias_hh_{end}": gates(bias_h),
        }
    return found
