"""Compiled modules run as they are; their layers are seen where the run without compilation is the same."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_module  # noqa: E402
from tests.models.torch.networks import asked, conv_net, mlp, names, normal, same  # noqa: E402

X = normal(5, 4)


def doubling(graph, example_inputs):
    """A compiler whose code is not the same function."""
    return lambda *inputs: [2 * output for output in graph.forward(*inputs)]


class Inside(nn.Module):
    """A module with a compiled part."""

    def __init__(self, backend) -> None:
        super().__init__()
        self.net = torch.compile(mlp(), backend=backend)
        self.last = nn.Linear(3, 3)

    def forward(self, x):
        return self.last(self.net(x))


class Around(nn.Module):
    """A module that is compiled in place."""

    def __init__(self, backend) -> None:
        super().__init__()
        self.net = mlp()
        self.compile(backend=backend)

    def forward(self, x):
        return self.net(x)


def outside(backend):
    return torch.compile(mlp(), backend=backend)


@pytest.mark.parametrize("compiled", [outside, Inside, Around])
def test_equal_code_shows_the_layers(compiled):
    torch.manual_seed(0)
    subject = from_module(compiled("eager"))
    tensors = subject.run(asked(X))
    assert not any("_orig_mod" in name for name in (*subject.parameters(), *(key.name for key in tensors)))
    assert {"0", "2"} <= {name.removeprefix("net.") for name in names(tensors, Role.LAYER)}
    if compiled is outside:
        assert same(tensors, from_module(mlp()).run(asked(X)))
        assert subject.describe() == "compiled torch.nn.Module Sequential, train mode"


@pytest.mark.parametrize("compiled", [outside, Inside, Around])
def test_other_code_is_what_is_run(compiled):
    tensors = from_module(compiled(doubling)).run(asked(X, backward=False))
    assert [key.role for key in tensors] == [Role.OUTPUT]
    if compiled is outside:
        expected = 2 * from_module(mlp()).run(asked(X))[TensorKey(Role.OUTPUT, "")]
        assert np.array_equal(tensors[TensorKey(Role.OUTPUT, "")], expected)


def test_other_values_are_those_that_are_run():
    subject = from_module(outside("eager"))
    run = lambda bias: subject.with_values({"2.bias": bias}, {}).run(asked(X))[TensorKey(Role.OUTPUT, "")]  # noqa: E731
    assert np.array_equal(run(np.zeros(3)) + 1 > run(np.ones(3)) - 1, np.ones((5, 3), bool))
    assert np.array_equal(from_module(mlp()).run(asked(X))[TensorKey(Role.OUTPUT, "")],
                          subject.run(asked(X))[TensorKey(Role.OUTPUT, "")])  # fmt: skip


def test_compilation_is_not_repeated():
    graphs = []

    def counting(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    subject = from_module(torch.compile(conv_net(), backend=counting))
    for seed in range(3):
        subject.run(asked(normal(2, 3, 8, 8), seed=seed))
    assert len(graphs) == 1


def test_a_compiled_layer_cannot_be_forced():
    with pytest.raises(ModelError, match=r"give the model before torch.compile"):
        from_module(outside("eager")).run(asked(X, forced={TensorKey(Role.LAYER, "0"): normal(5, 8)}))
