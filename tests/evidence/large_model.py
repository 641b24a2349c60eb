"""What a call costs, from a small model to GPT-2 small (124M random weights): `python -m tests.evidence.large_model`.

`samestep.limits` of each model, and `samestep.compare` of a copy with it, on these inputs alone, each in a process
of its own: the seconds after imports and those of all processors together, which other work on the machine moves
less, with the default number of replicas and threads, and the most memory that was resident. One float32 step, with
imports and the model, stands beside them.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import subprocess
import sys
from functools import partial
from itertools import product
from typing import Any

os.environ.setdefault("USE_TF", "0")  # transformers imports TensorFlow otherwise, and half a GB with it

CALLS = ("limits", "compare")
LARGE = "GPT-2 small, 1 x 64"
MODELS = ("MLP 26k, 64 rows", "GPT 0.1M, 2 x 32", LARGE)


def peak() -> float:
    """Return the most memory that this process had resident, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def processor_seconds() -> float:
    """Return the seconds that this process has spent on all processors together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def large_model() -> tuple[Any, Any]:
    """Return GPT-2 small, as its logits, and tokens."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gpt = GPT2LMHeadModel(GPT2Config(use_cache=False))

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.gpt(tokens).logits

    torch.manual_seed(0)
    return Logits().eval(), torch.randint(50_257, (1, 64))


def measured(call: str, name: str = LARGE) -> dict[str, float]:
    """Return seconds and GB of one call, and of one float32 step before it."""
    import samestep
    from tests.evidence.engine_speed import networks, seconds

    model, inputs = large_model() if name == LARGE else networks()[name]

    def step() -> None:
        model(inputs).square().mean().backward()
        model.zero_grad()

    run = partial(samestep.compare, variants=False) if call == "compare" else samestep.limits
    found = {"step": seconds(step, 3), "step_peak": peak()}
    models = (copy.deepcopy(model), model) if call == "compare" else (model,)
    before = processor_seconds()
    found["call"] = seconds(lambda: run(*models, (inputs.numpy(),)))
    return {**found, "processors": processor_seconds() - before, "peak": peak()}


def row(call: str, name: str) -> str:
    """Return the row of a table for one call, made in a process of its own."""
    command = [sys.executable, "-m", "tests.evidence.large_model", call, name]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(printed.splitlines()[-1])
    return (
        f"| {call} | {name} | {found['step']:.4f} | {found['call']:.1f} | {found['processors']:.1f} | "
        f"{found['step_peak']:.2f} | {found['peak']:.2f} |"
    )


def main() -> None:
    """Print the table; with a call and a model, what was measured of it."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("call", nargs="?", choices=CALLS, help="measure this call alone, in this process")
    asked.add_argument("model", nargs="?", choices=MODELS, default=LARGE)
    options = asked.parse_args()
    if options.call:
        print(json.dumps(measured(options.call, options.model)))
        return
    print("| call | model | float32 step, s | call, s | of processors | peak of a step, GB | peak, GB |")
    print("|---|---|---|---|---|---|---|")
    for name, call in product(MODELS, CALLS):
        print(row(call, name), flush=True)


if __name__ == "__main__":
    main()
