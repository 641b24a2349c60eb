"""A threshold of softplus that its dtype cannot show is no other function; any other one is."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from samestep.agreement.arithmetic.torch.program import TorchProgram  # noqa: E402

X = torch.linspace(-40, 60, 300)


def exact(threshold, dtype=torch.float32):
    def run():
        x = X.to(dtype, copy=True).requires_grad_()
        out = functional.softplus(x, 1.0, threshold)
        return {"out": out, "slope": torch.autograd.grad(out.sum(), x)[0]}

    program = TorchProgram(run, lambda: None, held=lambda: (X,))
    return {key: torch.from_numpy(value) for key, value in program.exact().items()}


def without():
    x = X.double()
    return {"out": torch.logaddexp(x, torch.zeros_like(x)), "slope": torch.sigmoid(x)}


@pytest.mark.parametrize(("threshold", "dtype", "same"), [
    (20, torch.float32, True), (18, torch.float32, True), (16, torch.float32, False),
    (5, torch.float32, False), (20, torch.float64, False), (10, torch.bfloat16, True),
])  # fmt: skip
def test_which_thresholds_are_seen(threshold, dtype, same):
    for key, value in exact(threshold, dtype).items():
        off = (value - without()[key]).abs().max()
        assert (off < 2.0**-43) == same, key
