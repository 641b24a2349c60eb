"""Attention: layouts, masks, and rotary positions."""

from __future__ import annotations

import numpy as np

from samestep.conventions.ports.pitfall import Arrays, Pitfall, normal

TITLE = "Attention and positions"
NOTE = "Queries, keys and values are (rows, heads, time, features), as in PyTorch."

TORCH_SDPA = (
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html"
)
TORCH_MHA = "https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html"
JAX_ATTENTION = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.dot_product_attention.html"
KERAS_MHA = "https://keras.io/api/layers/attention_layers/multi_head_attention/"

QKV = {"q": (2, 4, 4, 8), "k": (2, 4, 4, 8), "v": (2, 4, 4, 8)}


def with_mask(random: np.random.Generator) -> Arrays:
    """Return rows of features, and a mask, true where a position may look."""
    return {"x": random.standard_normal((2, 4, 8)), "mask": np.tril(np.ones((4, 4), bool))}


def with_masked_rows(random: np.random.Generator) -> Arrays:
    """Return queries, keys and values, and a mask in which the last position may look nowhere."""
    mask = np.tril(np.ones((4, 4), bool))
    mask[3] = False
    return {**normal(**QKV)(random), "mask": mask}


PITFALLS = (
    Pitfall(
        "attention_layout",
        "Heads before time, or time before heads",
        (
            "attention differs", "dot_product_attention and scaled_dot_product_attention do not match",
            "attention output has the right shape and wrong values", "causal mask seems to be ignored",
        ),
        "PyTorch's scaled_dot_product_attention takes (rows, heads, time, features); jax.nn and keras.ops "
        "dot_product_attention take (rows, time, heads, features), and attend over heads without an error "
        "where the two are swapped. All scale by 1 / sqrt(features) by default.",
        "PyTorch's F.scaled_dot_product_attention",
        normal(**QKV),
        links={"torch": TORCH_SDPA, "jax": JAX_ATTENTION},
    ),
    Pitfall(
        "attention_mask",
        "What True means in a mask",
        (
            "attention mask is inverted", "nn.MultiheadAttention and MultiHeadAttention do not match",
            "padding mask has no effect, or the opposite one", "key_padding_mask, attn_mask, attention_mask",
            "NaN from attention with a mask",
        ),
        "True is what may be looked at in F.scaled_dot_product_attention, JAX, Flax and Keras, and what "
        "may not in nn.MultiheadAttention, nn.Transformer and every key_padding_mask of PyTorch. A float "
        "mask is added to the scores: a mask of 0 and 1 that is given as floats hides nothing.",
        "Flax's and Keras's: True may be looked at",
        with_mask,
        kinds=("mask",),
        links={"torch": TORCH_MHA, "keras": KERAS_MHA},
    ),
    Pitfall(
        "masked_rows",
        "A position that may look nowhere",
        (
            "padding rows differ", "NaN in attention", "fully masked rows, left padding",
            "attention agrees but for some rows",
        ),
        "The softmax of nothing but -inf is NaN. PyTorch's scaled_dot_product_attention gives 0 there, JAX "
        "the mean of all values, since it masks with a large finite number, as Keras does. Nothing should "
        "depend on such rows; where it does, set them.",
        "PyTorch's F.scaled_dot_product_attention with a boolean mask",
        with_masked_rows,
        links={"torch": TORCH_SDPA, "jax": JAX_ATTENTION},
    ),
    Pitfall(
        "causal_offset",
        "A causal mask for fewer queries than keys",
        (
            "decoding with a key-value cache differs", "is_causal=True differs",
            "generation differs from training",
            "the last tokens look at the first key only",
        ),
        "With 2 queries and 5 keys the queries are the last 2 positions, so query i sees keys up to i + 3. "
        "PyTorch's is_causal and JAX's align the mask at the first key instead: query 0 sees key 0 only. "
        "Give the mask.",
        "decoding with a cache: the last query sees all keys",
        normal(q=(2, 4, 2, 8), k=(2, 4, 5, 8), v=(2, 4, 5, 8)),
        links={"torch": TORCH_SDPA, "jax": JAX_ATTENTION},
    ),
    Pitfall(
        "rotary",
        "Rotary positions: pairs of neighbours or of halves",
        (
            "RoPE differs", "Llama weights from Meta and from Hugging Face do not match",
            "the first token agrees and the next do not", "rotary embedding does not match",
            "GPT-J and GPT-NeoX",
        ),
        "A rotation needs pairs of features. Llama's original code, GPT-J and torchtune pair neighbours (0 "
        "with 1); Hugging Face's Llama and GPT-NeoX pair halves (0 with d / 2). The weights of the query "
        "and key projections are permuted to fit, so code of one kind with weights of the other is wrong; "
        "position 0 is not rotated, and hides it.",
        "Hugging Face's Llama: halves",
        normal(x=(2, 4, 5, 8)),
        kinds=("rotary",),
    ),
)  # fmt: skip
