"""Tiny configurations of the model families that transformers has in several frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOKENS, LENGTH, WIDTH, HEADS = 60, 10, 32, 4
MELS, FRAMES = 8, 24

Settings = Mapping[str, Any]
BERT = {
    "vocab_size": TOKENS, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS,
    "intermediate_size": 48, "max_position_embeddings": 24,
}  # fmt: skip
LLAMA = {**BERT, "num_key_value_heads": 2, "use_cache": False}
GPT = {
    "vocab_size": TOKENS, "n_embd": WIDTH, "n_layer": 2, "n_head": HEADS, "n_positions": 24,
    "bos_token_id": 0, "eos_token_id": 0, "use_cache": False,
}  # fmt: skip
BART = {
    "vocab_size": TOKENS, "d_model": WIDTH, "encoder_layers": 2, "decoder_layers": 2,
    "encoder_attention_heads": HEADS, "decoder_attention_heads": HEADS, "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48, "max_position_embeddings": 24, "use_cache": False, "pad_token_id": 1,
    "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2,
}  # fmt: skip
VIT = {
    "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS, "intermediate_size": 48,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
T5 = {
    "vocab_size": TOKENS, "d_model": WIDTH, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": HEADS,
    "use_cache": False, "decoder_start_token_id": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A family's ``config`` class, its ``settings``, what its models read, and the twins that it has."""

    config: str
    settings: Settings
    reads: str = "tokens"
    tensorflow: bool = False


def family(name: str, settings: Settings, reads: str = "tokens", *, tf: bool = False, config: str = "") -> dict[
    str, Family
]:  # fmt: skip
    return {name: Family(config or f"{name}Config", settings, reads, tf)}


#: By the name that the library's models begin with.
FAMILIES: dict[str, Family] = {
    **family("Bert", BERT, tf=True),
    **family("Roberta", BERT, tf=True),
    **family("RobertaPreLayerNorm", BERT, tf=True),
    **family("XLMRoberta", BERT),
    **family("RoFormer", BERT, tf=True),
    **family("Albert", {**BERT, "embedding_size": 16}, tf=True),
    **family("Electra", {**BERT, "embedding_size": 16}, tf=True),
    **family("BigBird", {**BERT, "attention_type": "original_full"}),
    **family(
        "DistilBert",
        {"vocab_size": TOKENS, "dim": WIDTH, "n_layers": 2, "n_heads": HEADS, "hidden_dim": 48,
         "max_position_embeddings": 24}, tf=True,
    ),
    **family("GPT2", GPT, tf=True),
    **family("GPTJ", {**GPT, "rotary_dim": 4}, tf=True),
    **family(
        "GPTNeo",
        {"vocab_size": TOKENS, "hidden_size": WIDTH, "num_layers": 2, "num_heads": HEADS, "window_size": 4,
         "max_position_embeddings": 24, "attention_types": [[["global", "local"], 1]], "use_cache": False,
         "bos_token_id": 0, "eos_token_id": 0},
    ),
    **family(
        "OPT",
        {"vocab_size": TOKENS, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS,
         "ffn_dim": 48, "max_position_embeddings": 24, "word_embed_proj_dim": WIDTH, "use_cache": False},
        tf=True,
    ),
    **family(
        "Bloom", {"vocab_size": TOKENS, "hidden_size": WIDTH, "n_layer": 2, "n_head": HEADS, "use_cache": False}
    ),
    **family(
        "XGLM",
        {"vocab_size": TOKENS, "d_model": WIDTH, "ffn_dim": 48, "num_layers": 2, "attention_heads": HEADS,
         "max_position_embeddings": 24, "use_cache": False}, tf=True,
    ),
    **family("Llama", LLAMA),
    **family("Mistral", LLAMA, tf=True),
    **family("Gemma", {**LLAMA, "head_dim": 8}),
    **family("Bart", BART, "pairs", tf=True),
    **family("MBart", BART, "pairs", tf=True),
    **family("Marian", BART, "pairs", tf=True),
    **family("Pegasus", BART, "pairs", tf=True),
    **family("Blenderbot", BART, "pairs", tf=True),
    **family("BlenderbotSmall", BART, "pairs", tf=True),
    **family("T5", T5, "pairs", tf=True),
    **family("LongT5", {**T5, "local_radius": 4}, "pairs"),
    **family("ViT", VIT, "images", tf=True),
    **family("Beit", {**VIT, "vocab_size": TOKENS}, "images"),
    **family(
        "Dinov2",
        {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS, "image_size": 32,
         "patch_size": 8}, "images",
    ),
    **family(
        "RegNet", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 4}, "images"
    ),
    **family(
        "ResNet", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}, "images"
    ),
    **family("CLIPText", {**BERT, "eos_token_id": 2}, config="CLIPTextConfig"),
    **family("CLIPVision", VIT, "images", config="CLIPVisionConfig"),
    **family(
        "Wav2Vec2",
        {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS, "intermediate_size": 48,
         "conv_dim": [16, 16], "conv_stride": [5, 2], "conv_kernel": [10, 3], "num_feat_extract_layers": 2,
         "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2, "do_stable_layer_norm": True,
         "feat_extract_norm": "layer", "vocab_size": TOKENS}, "sound",
    ),
    **family(
        "Whisper",
        {"vocab_size": TOKENS, "d_model": WIDTH, "encoder_layers": 2, "decoder_layers": 2,
         "encoder_attention_heads": HEADS, "decoder_attention_heads": HEADS, "encoder_ffn_dim": 48,
         "decoder_ffn_dim": 48, "num_mel_bins": MELS, "max_source_positions": FRAMES // 2,
         "max_target_positions": 24, "use_cache": False, "pad_token_id": 1, "bos_token_id": 0,
         "eos_token_id": 2, "decoder_start_token_id": 2}, "speech",
    ),
}  # fmt: skip
