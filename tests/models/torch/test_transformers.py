"""Language models of transformers: output classes, masks by keyword, tied heads, kept keys and values."""

from __future__ import annotations

import os

import numpy as np
import pytest

os.environ.setdefault("USE_TF", "0")  # transformers imports TensorFlow otherwise, which takes seconds
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_module  # noqa: E402
from tests.models.torch.networks import asked, names, same  # noqa: E402

TOKENS = np.arange(12).reshape(2, 6)


def gpt2():
    torch.manual_seed(0)
    config = transformers.GPT2Config(n_layer=2, n_head=2, n_embd=8, vocab_size=20, n_positions=8)
    return transformers.GPT2LMHeadModel(config).eval()


def bert():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, vocab_size=20,
        max_position_embeddings=8,
    )  # fmt: skip
    return transformers.BertModel(config).eval()


def test_gpt2_returns_logits_and_not_its_keys_and_values():
    subject = from_module(gpt2())
    tensors = subject.run(asked(TOKENS, keywords=("input_ids",)))
    assert names(tensors, Role.OUTPUT) == ["logits"]
    assert "lm_head.weight" not in subject.parameters()
    assert names(tensors, Role.GRADIENT) == list(subject.parameters())
    assert {"transformer.h.1.ln_2", "transformer.h.1", "lm_head"} <= set(names(tensors, Role.LAYER))


@pytest.mark.parametrize("model", [gpt2, bert])
def test_a_forced_run_goes_through_the_output_classes(model):
    subject = from_module(model())
    options = {"keywords": ("input_ids", "attention_mask")}
    arrays = TOKENS, np.array([[1] * 6, [1] * 4 + [0] * 2])
    free = subject.run(asked(*arrays, **options))
    layers = {key: value for key, value in free.items() if key.role in (Role.LAYER, Role.LAYER_GRADIENT)}
    assert same(subject.run(asked(*arrays, **options, forced=layers)), free)
    last = names(free, Role.LAYER)[-1]
    given = {TensorKey(Role.LAYER, last): np.zeros_like(free[TensorKey(Role.LAYER, last)])}
    forced = subject.run(asked(*arrays, **options, forced=given))
    assert not forced[TensorKey(Role.OUTPUT, names(free, Role.OUTPUT)[-1])].any()


def test_bert_has_two_outputs():
    tensors = from_module(bert()).run(asked(TOKENS))
    assert names(tensors, Role.OUTPUT) == ["last_hidden_state", "pooler_output"]
