"""What is done to save memory with large models changes no bit of a result: here it is done to small ones."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.checkpoint import checkpoint  # noqa: E402

import samestep  # noqa: E402
from samestep.agreement import aside, released  # noqa: E402
from samestep.agreement.arithmetic.torch.replay import Tape  # noqa: E402
from samestep.agreement.arithmetic.torch.results import Results  # noqa: E402
from samestep.models import expected, handed_on, kept_spreads  # noqa: E402
from samestep.models.torch import complete_gradients  # noqa: E402

TOKENS = torch.randint(12, (2, 5), generator=torch.Generator().manual_seed(0)).numpy()


class Tied(torch.nn.Module):
    """A language model with one table for both ends; ``reentrant`` checkpoints add to its gradients twice."""

    def __init__(self, reentrant: bool = False) -> None:
        super().__init__()
        self.table, self.reentrant = torch.nn.Embedding(12, 8), reentrant
        self.inner = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.GELU(), torch.nn.Linear(8, 8))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.table(tokens)
        for _ in range(2):
            x = x + (checkpoint(self.inner, x, use_reentrant=True) if self.reentrant else self.inner(x))
        return torch.nn.functional.linear(x, self.table.weight)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to save memory."""
    found: list[str] = []
    methods = (aside.Aside, "put"), (Results, "take"), (Tape, "hand_on"), (expected, "release")
    for kind, name in methods:
        method = getattr(kind, name)

        def call(*args, name=name, method=method):
            found.append(name)
            return method(*args)

        monkeypatch.setattr(kind, name, call)
    monkeypatch.setattr(kept_spreads, "LARGEST_SIGMA", 0)
    return found


def as_if_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "LARGE_BYTES", 1)
    monkeypatch.setattr(handed_on, "LARGE_BYTES", 1)
    monkeypatch.setattr(complete_gradients, "LARGE", 1)
    monkeypatch.setattr(released, "FREED_BYTES", 1)


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("reentrant", [False, True])
def test_results_are_the_same(
    reentrant: bool, wrong: bool, seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    reference = Tied(reentrant)
    candidate = copy.deepcopy(reference)
    if wrong:
        candidate.inner[1] = torch.nn.GELU(approximate="tanh")
    plain = samestep.compare(candidate, reference, (TOKENS,), replicas=8, variants=False)
    assert not {"take", "hand_on", "release"} & {*seen}
    as_if_large(monkeypatch)
    large = samestep.compare(candidate, reference, (TOKENS,), replicas=8, variants=False)
    assert {"put", "take", "hand_on", "release"} <= {*seen}
    assert large.verdict == ("disagree" if wrong else "agree")
    assert large.to_json() == plain.to_json()


def test_a_replica_is_kept_where_one_tensor_is_made_of_several(
    seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_if_large(monkeypatch)
    torch.manual_seed(0)
    fused = torch.nn.Linear(8, 16)
    parts = {f"{name}{half}": x for name, value in fused.state_dict().items()
             for half, x in enumerate(value.chunk(2))}  # fmt: skip
    reference = samestep.Model(
        lambda p, x: torch.cat([x @ p[f"weight{half}"].T + p[f"bias{half}"] for half in range(2)], -1), parts
    )

    def convert(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([p[f"{name}0"], p[f"{name}1"]]) for name in ("weight", "bias")}

    inputs = (np.ones((3, 8), np.float32) / 3,)
    result = samestep.compare(fused, reference, inputs, convert=convert, replicas=8, variants=False)
    assert result.verdict == "agree"
    assert "take" in seen
    assert "hand_on" not in seen
