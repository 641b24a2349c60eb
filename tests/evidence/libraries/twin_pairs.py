"""The twins of transformers, and mistakes built into them."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.evidence.libraries.families import FAMILIES, HEADS
from tests.evidence.libraries.pair import Pair
from tests.evidence.libraries.twins import flax_twin, heads_last, lost, swapped, tensorflow_twin, turned

#: TensorFlow twins need the Keras of version 2, and transformers looks for TensorFlow.
TENSORFLOW = {"USE_TF": "AUTO", "TF_USE_LEGACY_KERAS": "1"}
FLAX = {"USE_TF": "0"}

#: What differs between the library's own twins.
DIFFERS = {"Flax Electra": "without token types Flax takes type 1 for every token, and PyTorch type 0"}


def flax(name: str) -> Pair:
    return Pair(
        f"Flax {name}", partial(flax_twin, name), environment=FLAX, differs=DIFFERS.get(f"Flax {name}", "")
    )


def tensorflow(name: str) -> Pair:
    title = f"TensorFlow {name}"
    return Pair(title, partial(tensorflow_twin, name), environment=TENSORFLOW, differs=DIFFERS.get(title, ""))


def wrong(
    name: str, mistake: str, place: str | tuple[str, ...], cause: str | None = None, **how: Any
) -> Pair:
    places = (place,) if isinstance(place, str) else place
    return Pair(f"Flax {name}, {mistake}", partial(flax_twin, name, **how), places, cause, FLAX)


LAYER0 = "encoder/layer/0"
MISTAKES = (
    wrong("Bert", "LayerNorm eps 1e-5 for 1e-12", "embeddings/LayerNorm", "eps", layer_norm_eps=1e-5),
    wrong("Bert", "gelu by tanh", f"{LAYER0}/intermediate*", "tanh", hidden_act="gelu_new"),
    wrong("Bert", "query kernel not transposed", f"{LAYER0}/attention/self/query", "transposed",
          surgery=turned(f"{LAYER0}/attention/self/query")),
    wrong("Bert", "heads of the values cut as (width, heads)", f"{LAYER0}/attention*", "in another order",
          surgery=heads_last(f"{LAYER0}/attention/self/value", HEADS)),
    wrong("Bert", "output bias not loaded", f"{LAYER0}/attention/output/dense", "bias",
          surgery=lost(f"{LAYER0}/attention/output/dense")),
    wrong("Bert", "LayerNorm scale not loaded", f"{LAYER0}/output/LayerNorm", "weight is missing",
          surgery=lost(f"{LAYER0}/output/LayerNorm", "scale")),
    wrong("Bert", "query and key swapped", f"{LAYER0}/attention/self*", "wrong way round",
          surgery=swapped(f"{LAYER0}/attention/self", "query", "key")),
    wrong("Bert", "padding mask not given", f"{LAYER0}/attention*", "wrong at", kind="masked", unheard="attention_mask"),
    wrong("Roberta", "positions start at 1, not 2", "embeddings/position_embeddings", "indices", pad_token_id=0),
    wrong("GPT2", "gelu by erf", "h/0/mlp*", "erf", activation_function="gelu"),
    wrong("GPT2", "scores not divided by the root of the width", "h/0/attn*", None, scale_attn_weights=False),
    wrong("GPT2", "LayerNorm eps 1e-6 for 1e-5", "h/0/ln_1", "eps", layer_norm_epsilon=1e-6),
    wrong("GPTJ", "rotary width 8 for 4", "h/0/attn*", None, rotary_dim=8),
    wrong("GPTNeo", "local attention over 5 tokens, not 4", "h/1/attn*", None, window_size=5),
    wrong("GPTNeo", "every layer global", "h/1/attn*", None, attention_types=[[["global"], 2]]),
    wrong("OPT", "LayerNorm after the attention", "*layers/0*", None, do_layer_norm_before=False),
    wrong("Llama", "RMSNorm eps 1e-5 for 1e-6", "layers/0/input_layernorm", "eps", rms_norm_eps=1e-5),
    wrong("Llama", "rotary base 1e5 for 1e4", "layers/0/self_attn*", None, rope_theta=1e5),
    wrong("Llama", "keys and values swapped", "layers/0/self_attn*", None,
          surgery=swapped("layers/0/self_attn", "k_proj", "v_proj")),
    wrong("Gemma", "gelu by erf", "layers/0/mlp*", "erf", hidden_activation="gelu"),
    wrong("Bart", "embeddings not scaled by the root of the width", ("*embed*",), None,
          settings={"scale_embedding": True}, scale_embedding=False),
    wrong("Bart", "relu for gelu", "encoder/layers/0/*", None, activation_function="relu"),
    wrong("T5", "16 position buckets for 32", ("encoder/block/0/*",), None, relative_attention_num_buckets=32,
          settings={"relative_attention_max_distance": 8}, relative_attention_max_distance=16),
    wrong("T5", "gelu for relu", "encoder/block/0/*", None, feed_forward_proj="gelu"),
    wrong("ViT", "LayerNorm eps 1e-6 for 1e-12", "encoder/layer/0/layernorm_before", "eps", layer_norm_eps=1e-6),
    wrong("ViT", "gelu by tanh", f"{LAYER0}/intermediate*", "tanh", hidden_act="gelu_new"),
    wrong("CLIPText", "gelu for quick gelu", "*layers/0/mlp*", None, hidden_act="gelu"),
    wrong("Albert", "gelu by erf for tanh", "*ffn*", "erf", hidden_act="gelu"),
    wrong("RegNet", "silu for relu", "embedder*", None, hidden_act="silu"),
    wrong("Wav2Vec2", "LayerNorm eps 1e-6 for 1e-5", "feature_projection/layer_norm", "eps", layer_norm_eps=1e-6),
    wrong("Whisper", "relu for gelu", "encoder*", None, activation_function="relu"),
)  # fmt: skip

TWINS = (
    *(flax(name) for name in FAMILIES),
    *(tensorflow(name) for name, family in FAMILIES.items() if family.tensorflow),
    *MISTAKES,
)
