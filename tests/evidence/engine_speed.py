"""What the PyTorch engine costs, over the float32 step that it interprets: `python -m tests.evidence.engine_speed`.

One thread. A step is forward and backward; its time, and a tape's, is the least of several; the first run
(exact, with widths, and the poison) and the two replicas that make the tape are timed once.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from samestep.agreement.arithmetic.torch.program import TorchProgram


class Block(nn.Module):
    """A pre-norm transformer block with a causal mask."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.heads = nn.LayerNorm(width), nn.LayerNorm(width), heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


def gpt(width: int, layers: int, heads: int, vocabulary: int) -> nn.Module:
    """A GPT without positions."""
    blocks = [Block(width, heads) for _ in range(layers)]
    return nn.Sequential(
        nn.Embedding(vocabulary, width), *blocks, nn.LayerNorm(width), nn.Linear(width, vocabulary)
    )


def convolutions(width: int) -> nn.Module:
    """Three convolutions with BatchNorm, and a head."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate([(3, width), (width, width), (width, 2 * width)]):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), *[nn.MaxPool2d(2)] * (i > 0)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10))


def networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """Return the networks that are timed, with their inputs."""
    torch.manual_seed(0)
    tokens = partial(torch.randint, 0, 256)
    return {
        "MLP 26k, 64 rows": (
            nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10)),
            torch.randn(64, 64),
        ),
        "GPT 0.1M, 2 x 32": (gpt(48, 2, 4, 256), tokens((2, 32))),
        "GPT 0.9M, 4 x 64": (gpt(128, 4, 4, 256), tokens((4, 64))),
        "conv net, 8 x 32 x 32": (convolutions(32), torch.randn(8, 3, 32, 32)),
        "LSTM 2 x 32, 12 steps": (nn.LSTM(16, 32, 2, batch_first=True), torch.randn(4, 12, 16)),
    }


def training_step(network: nn.Module, inputs: torch.Tensor) -> Mapping[str, torch.Tensor]:
    """Return the output and the gradients of one step."""
    out = network(inputs)
    out = out[0] if isinstance(out, tuple) else out
    out.square().mean().backward()
    return {"out": out, **{name: one.grad for name, one in network.named_parameters()}}


def seconds(act: Callable[[], Any], times: int = 1) -> float:
    """Return the least wall time of ``times`` calls."""
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        act()
        spent.append(time.perf_counter() - begin)
    return min(spent)


def measure(network: nn.Module, inputs: torch.Tensor) -> dict[str, float]:
    """Return the seconds of a float32 step, and of each kind of run of the engine."""
    current = copy.deepcopy(network)

    def reset() -> None:
        current.load_state_dict(network.state_dict())
        current.zero_grad()

    def run() -> Mapping[str, torch.Tensor]:
        return training_step(current, inputs)

    def step() -> None:
        reset()
        run()

    def held() -> list[torch.Tensor]:
        return [*current.parameters(), *current.buffers(), inputs]

    step()
    program = TorchProgram(run, reset, held=held)
    times = {"step": seconds(step, 9), "first": seconds(program.exact)}
    times |= {"mode": seconds(lambda: program.replica(0)), "second": seconds(lambda: program.replica(1))}
    times["tape"] = seconds(lambda: program.replica(2), 5)
    return times


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print("| network | float32 step, ms | first use | replica by the code | tape |")
    print("|---|---|---|---|---|")
    for name, (network, inputs) in networks().items():
        times = measure(network, inputs)
        shares = [times[kind] / times["step"] for kind in ("first", "second", "tape")]
        print(
            f"| {name} | {times['step'] * 1e3:.2f} | " + " | ".join(f"{share:.1f}" for share in shares) + " |"
        )


if __name__ == "__main__":
    main()
