"""One name for each kind of layer, whatever a framework calls its class."""

from __future__ import annotations

import re

#: The names that frameworks give to a kind, in lower case, without digits, underscores and a final "d".
ALIASES: dict[str, tuple[str, ...]] = {
    "layer_norm": ("layernorm", "layernormalization"),
    "batch_norm": ("batchnorm", "batchnormalization", "syncbatchnorm", "batchnormact"),
    "group_norm": ("groupnorm", "groupnormalization"),
    "instance_norm": ("instancenorm", "instancenormalization"),
    "rms_norm": ("rmsnorm", "rmsnormalization", "tlayernorm"),
    "linear": ("linear", "dense", "densegeneral", "nondynamicallyquantizablelinear", "einsumdense"),
    "conv": ("conv", "convolution"),
    "avg_pool": ("avgpool", "averagepooling", "averagepool"),
    "embedding": ("embedding", "embed"),
    "flatten": ("flatten",),
    "relu": ("relu", "rectify"),
    "leaky_relu": ("leakyrelu",),
    "relu6": (),
    "gelu": ("gelu", "newgelu", "gelunew", "newgeluactivation", "geluactivation", "fastgelu", "quickgelu"),
    "silu": ("silu", "swish"),
    "elu": ("elu",),
    "softplus": ("softplus",),
    "softmax": ("softmax",),
    "log_softmax": ("logsoftmax",),
    "attention": (
        "multiheadattention", "multiheaddotproductattention", "selfattention", "scaleddotproductattention",
        "dotproductattention", "attention", "sdpa", "causalselfattention",
    ),
    "rotary": ("rope", "rotaryembedding", "rotaryposition", "rotary", "applyrotaryposemb"),
    "lstm": ("lstm", "lstmcell", "optimizedlstmcell"),
    "gru": ("gru", "grucell"),
}  # fmt: skip

#: What a longer class name ends with or holds: LlamaRMSNorm, BertSelfAttention.
PARTS = {
    "rmsnorm": "rms_norm", "layernorm": "layer_norm", "batchnorm": "batch_norm", "groupnorm": "group_norm",
    "attention": "attention", "rotary": "rotary", "embedding": "embedding", "gelu": "gelu",
}  # fmt: skip

#: All names of kinds that are known.
KINDS = frozenset(ALIASES)

_BY_ALIAS = {alias: kind for kind, aliases in ALIASES.items() for alias in aliases}

NORMS = ("layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm")
ACTIVATIONS = ("relu", "relu6", "leaky_relu", "gelu", "silu", "elu", "softplus")


def layer_kind(name: str) -> str:
    """Return the one name of a kind: "layer_norm" for LayerNorm, LayerNormalization or LayerNorm_0.

    ``loss:`` and ``update:`` kinds come back in lower case; a name that is not known as it is.
    """
    if ":" in name:
        return name.lower()
    plain = re.sub(r"[^a-z0-9]", "", name.rpartition(".")[2].lower())
    if plain == "relu6":
        return "relu6"
    letters = re.sub(r"[0-9]", "", re.sub(r"(?<=[0-9])d$", "", plain))
    if letters in _BY_ALIAS:
        return _BY_ALIAS[letters]
    return next((kind for part, kind in PARTS.items() if part in letters), name)
