"""What the caller has set for the whole process neither stops a comparison nor changes what it says."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import samestep

RNG = np.random.default_rng(0)
W1, W2, X = (RNG.standard_normal(shape).astype(np.float32) for shape in ((8, 16), (16, 4), (5, 8)))


def softmax_net(x):
    z = np.maximum(x @ W1, 0) @ W2
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_errors_and_warnings_of_the_caller_are_not_for_samestep():
    ours = samestep.compare(softmax_net, softmax_net, (X,))
    before = np.geterr()
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = samestep.compare(softmax_net, softmax_net, (X,))
        assert str(samestep.limits(softmax_net, (X,)))
        assert set(np.geterr().values()) == {"raise"}
    assert np.geterr() == before
    assert str(theirs) == str(ours)
    assert "replicas" in inspect.signature(samestep.compare).parameters


def test_modes_and_defaults_of_pytorch_change_nothing():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    net = nn.Sequential(nn.Linear(8, 16, bias=False), nn.ReLU(), nn.Linear(16, 4, bias=False), nn.Softmax(-1))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor(W1.T))
        net[2].weight.copy_(torch.tensor(W2.T))
    ours = samestep.compare(softmax_net, net, (X,), variants=False)
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    try:
        with torch.device("meta"):
            theirs = samestep.compare(softmax_net, net, (X,), variants=False)
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(True)
    assert ours.verdict == "agree"
    assert str(theirs) == str(ours)


def test_autocast_around_the_call_is_refused():
    """The one side would compute in bfloat16, and no declaration says so."""
    torch = pytest.importorskip("torch")
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(samestep.ModelError, match=r"torch\.autocast is on"),
    ):
        samestep.compare(softmax_net, torch.nn.Linear(8, 4), (X,), variants=False)
