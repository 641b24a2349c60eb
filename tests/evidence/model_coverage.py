"""Which models of public libraries the PyTorch engine follows: ``python -m tests.evidence.model_coverage``.

Every model is made small and random, nothing is downloaded; it is compared with a copy of itself, outputs and
gradients of all parameters, in a process of its own. What abstains is listed by the name of what has no rule.
"""

from __future__ import annotations

import argparse
import copy
import inspect
import multiprocessing
import os
import queue
import sys
import types
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from time import perf_counter

import numpy as np

from tests.evidence.ports.tables import write_table
from tests.made.places import CHECKOUT

FILE = CHECKOUT / "results/models/coverage-torch.md"

#: What makes a configuration small, by the names that configurations have for it.
SMALL = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "embed_dim", "emb_dim", "embedding_size"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers"), 2),
    **dict.fromkeys(("decoder_layers", "num_encoder_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"), 4),
    **dict.fromkeys(("decoder_attention_heads", "num_key_value_heads"), 4),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "hidden_dim"), 64),
    **dict.fromkeys(("d_kv", "head_dim"), 8),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_source_positions"), 64),
    "vocab_size": 99, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "image_size": 32, "patch_size": 8,
    "num_channels": 3, "n_inner": 64, "num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2,
}  # fmt: skip

#: Configurations with more parameters than this, once they are small, are left out: it is a sweep.
LARGEST = 4_000_000

#: Small models of timm, of as many families.
TIMM = (
    "resnet18", "resnetv2_18", "resnext26ts", "seresnet18", "vgg11_bn", "densenet121", "mobilenetv2_035",
    "mobilenetv3_small_050", "efficientnet_b0", "regnetx_002", "ghostnet_050", "convnext_atto",
    "convnextv2_atto", "vit_tiny_patch16_224", "deit_tiny_patch16_224", "mixer_s32_224", "poolformer_s12",
    "resmlp_12_224", "xcit_nano_12_p16_224", "levit_128s", "repvgg_a0", "hardcorenas_a", "mnasnet_small",
    "dpn48b", "dla34",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What came of one model: the ``verdict``, or ``not run`` where it does not run as it is."""

    name: str
    verdict: str
    reason: str
    tensors: int
    seconds: float


def transformers_models() -> list[str]:
    """Return the names of all configurations of the transformers library."""
    from transformers import CONFIG_MAPPING

    return [f"transformers {name}" for name in sorted(CONFIG_MAPPING.keys())]


def open_model(name: str) -> Iterator[tuple[object, Mapping[str, np.ndarray]]]:
    """Yield a small random model with inputs that may suit it, until one of them runs."""
    import torch

    library, _, kind = name.partition(" ")
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    if library == "timm":
        import timm

        size = 224 if "224" in kind or kind.startswith(("levit", "poolformer")) else 64
        image = rng.standard_normal((2, 3, size, size)).astype(np.float32)
        yield timm.create_model(kind, num_classes=10).eval(), {"x": image}
        return
    model = small_transformer(kind)
    ids = rng.integers(3, 99, (2, 9))
    image = rng.standard_normal((2, 3, 32, 32)).astype(np.float32)
    for inputs in (
        {"input_ids": ids},
        {"input_ids": ids, "decoder_input_ids": ids[:, :5]},
        {"pixel_values": image},
        {"input_ids": ids, "pixel_values": image},
    ):
        yield model, inputs


def small_transformer(kind: str) -> object:
    """Return a small random model of a configuration's kind."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModel

    configuration = CONFIG_MAPPING[kind]
    names = inspect.signature(configuration.__init__).parameters
    config = configuration(**{name: value for name, value in SMALL.items() if name in names})
    config.use_cache = False
    with torch.device("meta"):
        size = sum(parameter.numel() for parameter in AutoModel.from_config(config).parameters())
    if size > LARGEST:
        raise ValueError(f"{size / 1e6:.0f} million parameters, even when it is made small")
    return AutoModel.from_config(config).eval()


def examine(name: str) -> Outcome:
    """Return what samestep says of a model against a copy of itself."""
    import torch

    import samestep

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    failed: Exception | None = None
    start = perf_counter()
    try:
        for model, inputs in open_model(name):
            try:
                twin = copy.deepcopy(model)
                result = samestep.compare(twin, model, inputs, variants=False, replicas=8)
            except samestep.ModelError as error:
                failed = error
                continue
            reason = "" if result.verdict == "agree" else str(result).splitlines()[0]
            return Outcome(name, result.verdict, reason, len(result.judged), perf_counter() - start)
    except Exception as error:  # the library's own: this configuration cannot be made so small
        failed = error
    text = f"{type(failed).__name__}: {str(failed).strip().splitlines()[0] if str(failed).strip() else ''}"
    return Outcome(name, "not run", text[:160], 0, perf_counter() - start)


def in_child(name: str, limit: float) -> Outcome:
    """Return the outcome from a process of its own; after ``limit`` seconds it is ended."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=partial(_answer, name, answers))
    child.start()
    try:
        outcome: Outcome = answers.get(timeout=limit)
    except queue.Empty:
        outcome = Outcome(name, "no answer", f"none within {limit:.0f} s, or the process died", 0, limit)
        child.kill()
    child.join()
    return outcome


def _answer(name: str, answers: multiprocessing.Queue) -> None:
    answers.put(examine(name))


def import_libraries() -> None:
    """Import once what every child needs; torchvision's compiled part is not needed, and not always there."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["USE_TF"] = "0"
    sys.modules.setdefault(
        "torchvision._meta_registrations", types.ModuleType("torchvision._meta_registrations")
    )
    for module in ("timm", "transformers", "samestep.models.calls", "samestep.models.torch"):
        import_module(module)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names to run; nothing is written then")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds for one model")
    options = parser.parse_args()
    import_libraries()
    names = [
        name for name in (*(f"timm {kind}" for kind in TIMM), *transformers_models()) if options.only in name
    ]
    outcomes: list[Outcome] = []
    for name in names:
        outcomes.append(in_child(name, options.limit))
        print(outcomes[-1], flush=True)
        if not options.only:  # as it goes: it takes an hour
            write(outcomes, len(names))
    print(summary(outcomes, len(names)))


def summary(outcomes: Sequence[Outcome], total: int) -> str:
    """Return what came of all models, in words."""
    ran = [outcome for outcome in outcomes if outcome.verdict != "not run"]
    counts = Counter((outcome.name.split()[0], outcome.verdict) for outcome in ran)
    said = ", ".join(f"{library} {verdict}: {n}" for (library, verdict), n in sorted(counts.items()))
    return (
        f"{len(outcomes)} of {total} configurations: {len(ran)} models, small and random, each against a copy of "
        f"itself, forward and backward, 8 replicas: {said}. The other {len(outcomes) - len(ran)} do not run as they "
        "are when they are made this small, or need other inputs."
    )


def write(outcomes: Sequence[Outcome], total: int) -> None:
    """Write the table of the models that ran."""
    rows = [
        {"model": o.name, "verdict": o.verdict, "tensors": o.tensors, "seconds": f"{o.seconds:.1f}",
         "reason": o.reason.replace("|", "/")}
        for o in outcomes
        if o.verdict != "not run"
    ]  # fmt: skip
    title = "Models of public libraries that the PyTorch engine follows"
    write_table(FILE, title, summary(outcomes, total), rows)


if __name__ == "__main__":
    main()
