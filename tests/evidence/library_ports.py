"""Flax models of transformers beside its PyTorch ones. ``python -m tests.evidence.library_ports``.

Both sides are the library's own code, with random weights that its own converter takes from PyTorch to Flax.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import samestep
from samestep.agreement.verdict import AGREE
from tests.evidence.libraries.families import FAMILIES, LENGTH, TOKENS
from tests.evidence.libraries.twin_pairs import DIFFERS
from tests.evidence.ports.command import parser
from tests.evidence.ports.processes import spread_out
from tests.evidence.ports.tables import write_table
from tests.evidence.ports.transformers_nets import library
from tests.made.places import CHECKOUT

FILE = CHECKOUT / "results/models/library-ports.md"
#: Families that `tests.evidence.real_libraries` alone looks at.
ELSEWHERE = ("T5", "LongT5", "ResNet", "CLIPText", "CLIPVision", "Wav2Vec2", "Whisper")
MODELS = {name: family for name, family in FAMILIES.items() if name not in ELSEWHERE}


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

    family = MODELS[name]
    inputs = inputs_of(family.reads, np.random.default_rng(seed))
    torch.manual_seed(seed)
    config = getattr(transformers, family.config)(**family.settings)
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
            "what differs": f"{DIFFERS.get(f'Flax {name}', '')}: {other}" if other else "",
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
