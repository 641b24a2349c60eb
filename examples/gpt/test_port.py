"""The port is the same function as the model: outputs, loss, every gradient."""

from __future__ import annotations

import numpy as np
import optax
import torch

import samestep
from examples.gpt.model import GPT, PAD, Config, loss
from examples.gpt.port import from_torch, gpt
from examples.gpt.port import loss as port_loss


def sentences(config: Config, lengths: tuple[int, ...]) -> np.ndarray:
    """Random token ids (sentences, longest + 1), padded at the end."""
    tokens = np.random.default_rng(0).integers(1, config.tokens, (len(lengths), max(lengths) + 1))
    return np.where(np.arange(tokens.shape[1]) <= np.array(lengths)[:, None], tokens, PAD)


def test_the_port_trains_the_same_network():
    torch.manual_seed(0)
    config = Config()
    model = GPT(config)
    params = from_torch({name: weight.detach().numpy() for name, weight in model.named_parameters()})
    text = sentences(config, (12, 9, 5))
    samestep.assert_agreement(
        samestep.Model(gpt, params),
        model,
        (text[:, :-1],),
        loss=(port_loss, loss),
        targets=text[:, 1:],
        optimizer=(optax.adamw(1e-3, weight_decay=1e-2), lambda weights: torch.optim.AdamW(weights, 1e-3)),
        perturb=True,  # a fresh network's zeros and ones hide mistakes
    )
