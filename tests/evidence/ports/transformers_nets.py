"""Tiny models of transformers with random weights, and ports of them to JAX and PyTorch by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

import samestep
from tests.evidence.ports import encoder, gpt, llama
from tests.evidence.ports.attention import arrays, causal, cut, dense, joined, stirred
from tests.evidence.ports.port import Case, Fault, Port
from tests.evidence.ports.transformers_library import library

os.environ.setdefault("USE_TF", "0")  # transformers imports TensorFlow otherwise, which takes seconds
NEEDS = ("torch", "jax", "transformers")
State = Mapping[str, np.ndarray]


# -- GPT-2 -----------------------------------------------------------------------------------------------


def gpt2(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    config = library().GPT2Config(
        vocab_size=gpt.TOKENS, n_positions=8, n_embd=gpt.DIM, n_layer=gpt.DEPTH, n_head=gpt.HEADS,
        use_cache=False, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return stirred(library().GPT2LMHeadModel(config).eval())


def gpt2_port(p: Mapping[str, Any], tokens: Any, **mistakes: Any) -> Any:
    """GPT-2 by the blocks of `gpt`; its kernels lie (in, out)."""
    x = p["transformer.wte.weight"][tokens] + p["transformer.wpe.weight"][: tokens.shape[1]]
    for i in range(gpt.DEPTH):
        own = {
            f"{mine}.{leaf}": value.T if value.ndim == 2 else value
            for mine, theirs in PARTS.items()
            for leaf in ("weight", "bias")
            for value in [p[f"transformer.h.{i}.{theirs}.{leaf}"]]
        }
        x = gpt.block(own, x, causal(tokens.shape[1])[None, None], partial(named, i), **mistakes)
    x = encoder.norm({"scale": p["transformer.ln_f.weight"], "bias": p["transformer.ln_f.bias"]}, x)
    return x @ p["transformer.wte.weight"].T


PARTS = {
    "norm1": "ln_1", "qkv": "attn.c_attn", "out": "attn.c_proj", "norm2": "ln_2", "up": "mlp.c_fc",
    "down": "mlp.c_proj",
}  # fmt: skip


def named(i: int, x: Any, name: str) -> Any:
    return samestep.tag(x, f"h.{i}.{PARTS.get(name, 'mlp.act')}")


def gpt2_case(seed: int, **mistakes: Any) -> Case:
    model = gpt2(seed)
    tokens = np.random.default_rng(seed).integers(0, gpt.TOKENS, (2, 6))
    return Case(samestep.Model(partial(gpt2_port, **mistakes), arrays(model)), model, (tokens,))


# -- BERT ------------------------------------------------------------------------------------------------


def bert(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    config = library().BertConfig(
        vocab_size=gpt.TOKENS, hidden_size=encoder.DIM, num_hidden_layers=encoder.DEPTH,
        num_attention_heads=encoder.HEADS, intermediate_size=encoder.HIDDEN, max_position_embeddings=8,
    )  # fmt: skip
    return stirred(library().BertModel(config, add_pooling_layer=False).eval())


def bert_port(
    p: Mapping[str, Any], input_ids: Any, attention_mask: Any, *, first: int = 0, **mistakes: Any
) -> Any:
    """BERT by the blocks of `encoder`."""
    words = p["word"][input_ids] + p["place"][first : first + input_ids.shape[1]] + p["kind"][0]
    x = samestep.tag(encoder.norm(p["norm"], words, 1e-12), "embeddings")
    blocked = (attention_mask == 0)[:, None, None, :]
    for i in range(encoder.DEPTH):
        x = encoder.block(p[f"block{i}"], x, blocked, False, f"block{i}", **{"eps": 1e-12, **mistakes})
    return x


def bert_names(state: State) -> dict[str, Any]:
    """The port's parameters from BERT's."""
    tables = {"word": "word_embeddings", "place": "position_embeddings", "kind": "token_type_embeddings"}
    found: dict[str, Any] = {mine: state[f"embeddings.{theirs}.weight"] for mine, theirs in tables.items()}
    found["norm"] = encoder.scaled(state, "embeddings.LayerNorm")
    for i in range(encoder.DEPTH):
        layer = f"encoder.layer.{i}."
        heads = {name: dense(state, f"{layer}attention.self.{name}") for name in ("query", "key", "value")}
        found[f"block{i}"] = {
            "attention": {name: cut(value, encoder.WIDTH) for name, value in heads.items()}
            | {"out": joined(dense(state, f"{layer}attention.output.dense"), encoder.WIDTH)},
            "norm1": encoder.scaled(state, f"{layer}attention.output.LayerNorm"),
            "norm2": encoder.scaled(state, f"{layer}output.LayerNorm"),
            "up": dense(state, f"{layer}intermediate.dense"),
            "down": dense(state, f"{layer}output.dense"),
        }
    return found


def bert_case(seed: int, **mistakes: Any) -> Case:
    model = bert(seed)
    tokens = np.random.default_rng(seed).integers(1, gpt.TOKENS, (2, 6))
    mask = (np.arange(6) < np.array([[6], [4]])).astype(np.int64)
    candidate = samestep.Model(partial(bert_port, **mistakes), bert_names(arrays(model)))
    inputs = {"input_ids": tokens, "attention_mask": mask}
    return Case(candidate, model, inputs)


# -- Llama -----------------------------------------------------------------------------------------------


def llama_model(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    config = library().LlamaConfig(
        vocab_size=llama.TOKENS, hidden_size=llama.DIM, intermediate_size=llama.HIDDEN,
        num_hidden_layers=llama.DEPTH, num_attention_heads=llama.HEADS, num_key_value_heads=llama.GROUPS,
        rms_norm_eps=llama.EPS, rope_theta=llama.THETA, max_position_embeddings=16, use_cache=False,
    )  # fmt: skip
    return stirred(library().LlamaForCausalLM(config).eval())


def llama_case(seed: int, **mistakes: Any) -> Case:
    model = llama_model(seed)
    candidate = samestep.Model(partial(llama.port, **mistakes), arrays(model))
    return Case(candidate, model, (llama.tokens(seed),))


def llama_twin(seed: int) -> Case:
    """PyTorch by hand, which has the same names."""
    model, hand = llama_model(seed), llama.Llama()
    hand.load_state_dict(model.state_dict())
    return Case(hand, model, (llama.tokens(seed),))


PORTS = (
    Port("transformers: GPT-2 -> JAX", gpt2_case, NEEDS),
    Port("transformers: BERT -> JAX", bert_case, NEEDS),
    Port("transformers: Llama -> JAX", llama_case, NEEDS),
    Port("transformers: Llama -> torch by hand", llama_twin, NEEDS),
)
FAULTS = (
    Fault("transformers: GPT-2, gelu by erf", partial(gpt2_case, gelu="erf"), NEEDS, ("h.0.mlp.act",), "erf"),
    Fault("transformers: GPT-2, eps 1e-6", partial(gpt2_case, eps=1e-6), NEEDS, ("h.0.ln_1",), "eps"),
    Fault(
        "transformers: BERT, LayerNorm eps 1e-5 for 1e-12", partial(bert_case, eps=1e-5), NEEDS, ("block0.norm1",), "eps"
    ),
    Fault("transformers: BERT, gelu by tanh", partial(bert_case, gelu="tanh"), NEEDS, ("block0.act",), "tanh"),
    Fault("transformers: BERT, positions start at 2", partial(bert_case, first=2), NEEDS, ("embeddings",)),
    Fault(
        "transformers: Llama, rotary of neighbours", partial(llama_case, pairs="neighbours"), NEEDS,
        ("model.layers.0.self_attn*",),
    ),
    Fault(
        "transformers: Llama, keys and values tiled", partial(llama_case, spread="tile"), NEEDS,
        ("model.layers.0.self_attn*",),
    ),
)  # fmt: skip
