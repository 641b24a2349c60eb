"""A model that remembers earlier calls is found out: what changes its results, and what does not."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import samestep
from samestep.models.twice import changed, held

W = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
X = np.random.default_rng(2).standard_normal((5, 4)).astype(np.float32)
CALLS = [0]


def linear(params, x):
    return x @ params["w"]


def counting(params, x):
    CALLS[0] += 1
    return x @ params["w"]


def growing(params, x):
    CALLS[0] += 1
    return x @ params["w"] * CALLS[0]


def compared(candidate, reference):
    return samestep.compare(candidate, reference, (X,), replicas=8, variants=False)


@pytest.mark.parametrize("framework", ["numpy", "jax"])
@pytest.mark.parametrize("side", ["candidate", "reference"])
def test_a_function_that_counts_its_calls(framework, side):
    pytest.importorskip("jax")

    def against(call):
        CALLS[0] = 0
        sides = [samestep.Model(one, {"w": W}, framework=framework) for one in (call, linear)]
        return compared(*(sides if side == "candidate" else sides[::-1]))

    result = against(growing)
    assert result.verdict == "abstains"
    assert result.reason == f"the {side}'s result changes from call to call: a call changes CALLS"
    result = against(counting)
    assert result.verdict == "agree"
    assert f"a call of the {side} changes CALLS, and a second one gives the same result" in str(result)


def test_a_module_that_remembers():
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3, bias=False)
            self.layer.weight = torch.nn.Parameter(torch.tensor(W.T))
            self.calls, self.seen, self.last = 0, [], None

        def forward(self, x):
            return self.layer(x)

    class Counter(Net):
        def forward(self, x):
            self.calls += 1
            self.seen.append(x.detach())
            return self.layer(x)

    class Recurrent(Net):
        def forward(self, x):
            out = self.layer(x)
            out = out if self.last is None else out + self.last
            self.last = out.detach()
            return out

    class Growing(Net):
        def forward(self, x):
            self.calls += 1
            return self.layer(x) * (1 + self.calls)

    class Attached(Net):
        def forward(self, x):
            out = self.layer(x) + (0 if self.last is None else self.last)
            self.last = out
            return out

    result = compared(Counter(), Net())
    assert result.verdict == "agree"
    assert "a call of the candidate changes calls, seen, and a second one gives the same" in str(result)
    result = compared(Net(), Recurrent())
    assert result.verdict == "abstains"
    assert result.reason == "the reference's result changes from call to call: a call changes last"
    result = compared(Growing(), Net())
    assert result.verdict == "disagree"
    assert "a call changes calls; compared as in its first call" in str(result)
    result = compared(Attached(), Net())
    assert "a second call of the candidate fails: a call changes last: the model raises" in result.reason


def test_what_has_changed():
    before = {"a": [1, {"b": np.zeros(2)}], "c": None, "d": np.random.default_rng(0), "e": 1.5}
    prints = held(before.items())
    assert changed(prints, held(before.items())) == ()
    before["a"][1]["b"][0] = 1
    before["d"].random()
    assert changed(prints, held({**before, "f": 0}.items())) == ("a", "d", "f")
    assert changed(prints, {}) == ("a", "c", "d", "e")


def test_a_model_that_replaces_a_module_when_it_is_called_runs_again():
    """As BigBird does for short texts: attributes say less of such a copy than the copy itself."""
    torch = pytest.importorskip("torch")

    class Lone(torch.nn.Module):
        def __init__(self, linear):
            super().__init__()
            self.linear, self.sizes = linear, [0]

        def forward(self, x):
            self.sizes[0] = len(x)
            return self.linear(x).relu()

    class Swaps(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.left = torch.nn.Sequential(torch.nn.Linear(4, 3)), 1

        def forward(self, x):
            if self.left:
                self.inner, self.left = Lone(self.inner[0]), 0
            assert isinstance(self.inner, Lone)
            return self.inner(x)

    torch.manual_seed(0)
    model = Swaps()
    result = samestep.compare(copy.deepcopy(model), model, (X,))
    assert result.verdict == "agree", result
