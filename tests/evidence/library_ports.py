"""Flax models of transformers beside its PyTorch ones. ``python -m tests.evidence.library_ports``.

Both sides are the library's own code, with random weights that its own converter takes from PyTorch to Flax.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import samestep
from samestep.agreement.verdict import AGREE
from tests.evidence.ports.command import parser
from tests.evidence.ports.processes import spread_out
from tests.evidence.ports.tables import write_table
from tests.evidence.ports.transformers_nets import library
from tests.made.places import CHECKOUT

FILE = CHECKOUT / "results/models/library-ports.md"
TOKENS, LENGTH, WIDTH, HEADS = 60, 10, 32, 4

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

#: By the model's name in transformers: its configuration, and what it reads.
MODELS: dict[str, tuple[Settings, str]] = {
    **dict.fromkeys(("Bert", "Roberta", "RobertaPreLayerNorm", "XLMRoberta", "RoFormer"), (BERT, "tokens")),
    "Albert": ({**BERT, "embedding_size": 16}, "tokens"),
    "Electra": ({**BERT, "embedding_size": 16}, "tokens"),
    "BigBird": ({**BERT, "attention_type": "original_full"}, "tokens"),
    "DistilBert": (
        {"vocab_size": TOKENS, "dim": WIDTH, "n_layers": 2, "n_heads": HEADS, "hidden_dim": 48,
         "max_position_embeddings": 24}, "tokens",
    ),
    "GPT2": (GPT, "tokens"),
    "GPTJ": ({**GPT, "rotary_dim": 4}, "tokens"),
    "GPTNeo": (
        {"vocab_size": TOKENS, "hidden_size": WIDTH, "num_layers": 2, "num_heads": HEADS, "window_size": 4,
         "max_position_embeddings": 24, "attention_types": [[["global", "local"], 1]], "use_cache": False,
         "bos_token_id": 0, "eos_token_id": 0}, "tokens",
    ),
    "OPT": (
        {"vocab_size": TOKENS, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS,
         "ffn_dim": 48, "max_position_embeddings": 24, "word_embed_proj_dim": WIDTH, "use_cache": False},
        "tokens",
    ),
    "Bloom": (
        {"vocab_size": TOKENS, "hidden_size": WIDTH, "n_layer": 2, "n_head": HEADS, "use_cache": False}, "tokens",
    ),
    "XGLM": (
        {"vocab_size": TOKENS, "d_model": WIDTH, "ffn_dim": 48, "num_layers": 2, "attention_heads": HEADS,
         "max_position_embeddings": 24, "use_cache": False}, "tokens",
    ),
    "Llama": (LLAMA, "tokens"),
    "Mistral": (LLAMA, "tokens"),
    "Gemma": ({**LLAMA, "head_dim": 8}, "tokens"),
    **dict.fromkeys(("Bart", "MBart", "Marian", "Pegasus", "Blenderbot", "BlenderbotSmall"), (BART, "pairs")),
    "ViT": (VIT, "images"),
    "Beit": ({**VIT, "vocab_size": TOKENS}, "images"),
    "Dinov2": (
        {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS, "image_size": 32,
         "patch_size": 8}, "images",
    ),
    "RegNet": (
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 4}, "images",
    ),
}  # fmt: skip

#: What is known to differ, and is no mistake of a conversion.
DIFFERENT = {"Electra": "without token types Flax takes type 1 for every token, and PyTorch type 0"}


@dataclass(frozen=True)
class Outcome:
    """What a model gave at one seed: the verdict, tensors compared, and the first lines of the result."""

    verdict: str
    compared: int
    nearest: float
    said: str


def inputs_of(kind: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return what a model of that kind reads, by the name of its argument."""
    tokens = rng.integers(3, TOKENS, (2, LENGTH))
    if kind == "images":
        return {"pixel_values": rng.standard_normal((2, 3, 32, 32)).astype(np.float32)}
    if kind == "pairs":
        return {"input_ids": tokens, "decoder_input_ids": tokens[:, :7]}
    return {"input_ids": tokens}


def both(name: str, seed: int) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Return the Flax model with the PyTorch model's weights, the PyTorch model, and inputs."""
    import torch

    transformers = library()
    from transformers.modeling_flax_pytorch_utils import convert_pytorch_state_dict_to_flax

    settings, kind = MODELS[name]
    inputs = inputs_of(kind, np.random.default_rng(seed))
    torch.manual_seed(seed)
    config = getattr(transformers, f"{name}Config")(**settings)
    model = getattr(transformers, f"{name}Model")(config).eval()
    flax = getattr(transformers, f"Flax{name}Model")(config)

    class Hidden(torch.nn.Module):
        """The model with its last hidden state as the only output."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *arrays: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.model(**dict(zip(inputs, arrays, strict=True))).last_hidden_state
            return hidden

    def call(params: Any, *arrays: Any) -> Any:
        return flax(params=params, **dict(zip(inputs, arrays, strict=True))).last_hidden_state

    params = convert_pytorch_state_dict_to_flax(model.state_dict(), flax)
    return samestep.Model(call, params), Hidden().eval(), inputs


def examine(name: str, seeds: int) -> list[Outcome]:
    """Return what `samestep.compare` says of the Flax model, seed by seed."""
    outcomes = []
    for seed in range(seeds):
        candidate, reference, inputs = both(name, seed)
        result = samestep.compare(candidate, reference, tuple(inputs.values()), seed=seed, variants=False)
        compared = sum((t.arithmetic is not None) + (t.function is not None) for t in result.judged)
        said = "; ".join(line.strip() for line in str(result).splitlines()[:3])
        nearest = max((t.share for t in result.judged), default=0.0)
        outcomes.append(Outcome(result.verdict, compared, nearest, said))
    return outcomes


def rows(names: list[str], seeds: int, processes: int) -> Iterator[dict[str, object]]:
    """Yield a line of the table for each model."""
    tasks = [(name, seeds) for name in names]
    for name, found in zip(names, spread_out(examine, tasks, processes), strict=True):
        verdicts = Counter(outcome.verdict for outcome in found)
        other = next((outcome.said for outcome in found if outcome.verdict != AGREE), "")
        yield {
            "model": name, "verdicts": ", ".join(f"{verdict} {n}" for verdict, n in verdicts.items()),
            "comparisons": sum(outcome.compared for outcome in found),
            "nearest to a limit": f"{max(outcome.nearest for outcome in found):.2f}" if not other else "",
            "what differs": f"{DIFFERENT.get(name, '')}: {other}" if other else "",
        }  # fmt: skip


def main() -> None:
    options = parser(__doc__, seeds=3).parse_args()
    names = [name for name in MODELS if options.only in name]
    table = []
    for row in rows(names, options.seeds, options.processes):
        table.append(row)
        print(row, flush=True)
    compared = sum(int(str(row["comparisons"])) for row in table)
    agreeing = sum(not row["what differs"] for row in table)
    intro = (
        f"Flax models of transformers beside its PyTorch models: both sides are the library's own code, tiny, with "
        f"random weights that its own converter takes across. Seeds: {options.seeds}; {compared} comparisons "
        f"of tensors: {agreeing} of {len(table)} models agree."
    )
    print(intro)
    if not options.only:
        write_table(FILE, "Ports of a library", intro, table)


if __name__ == "__main__":
    main()
