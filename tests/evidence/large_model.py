"""What GPT-2 small costs, 124M random weights on 1 x 64 tokens: `python -m tests.evidence.large_model`.

`samestep.limits` of the model, and `samestep.compare` of a copy with it, on these inputs alone, each in a process
of its own: the seconds after imports, with the default number of replicas and threads, and the most memory that
was resident.
The model and one float32 step alone, with imports, stand beside them.
"""

from __future__ import annotations

import copy
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

os.environ.setdefault("USE_TF", "0")  # transformers imports TensorFlow otherwise, and half a GB with it

CALLS = ("limits", "compare")


def peak() -> float:
    """Return the most memory that this process had resident, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measured(call: str) -> dict[str, float]:
    """Return seconds and GB of one call, and of one float32 step before it."""
    import numpy as np
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    import samestep
    from tests.evidence.engine_speed import seconds

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gpt = GPT2LMHeadModel(GPT2Config(use_cache=False))

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.gpt(tokens).logits

    torch.manual_seed(0)
    model = Logits().eval()
    tokens = np.random.default_rng(0).integers(0, 50_257, (1, 64))

    def step() -> None:
        model(torch.from_numpy(tokens)).square().mean().backward()
        model.zero_grad()

    run = partial(samestep.compare, variants=False) if call == "compare" else samestep.limits
    found = {"step": seconds(step, 3), "step_peak": peak()}
    models = (copy.deepcopy(model), model) if call == "compare" else (model,)
    return {**found, "call": seconds(lambda: run(*models, (tokens,))), "peak": peak()}


def row(call: str) -> str:
    """Return the row of a table for one call, made in a process of its own."""
    command = [sys.executable, "-m", "tests.evidence.large_model", call]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(printed.splitlines()[-1])
    return (
        f"| {call} | {found['step']:.2f} | {found['call']:.0f} | {found['call'] / found['step']:.0f} | "
        f"{found['step_peak']:.1f} | {found['peak']:.1f} |"
    )


def main(calls: Sequence[str]) -> None:
    """Print the table; with a call, what was measured of it."""
    if calls:
        print(json.dumps(measured(calls[0])))
        return
    print("| GPT-2 small | float32 step, s | call, s | in steps | peak of a step, GB | peak, GB |")
    print("|---|---|---|---|---|---|")
    for call in CALLS:
        print(row(call), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
