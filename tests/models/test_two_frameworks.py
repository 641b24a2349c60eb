"""What PyTorch and JAX say otherwise of the same: the order of outputs, gradients that are 0, engines."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
from torch import nn  # noqa: E402

import samestep  # noqa: E402
from samestep.agreement.arithmetic.program import Refused  # noqa: E402
from samestep.models.options import Options  # noqa: E402
from samestep.models.question import Question  # noqa: E402
from samestep.models.runs import open_programs, run_candidate  # noqa: E402
from samestep.models.torch import from_module  # noqa: E402

X = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


class Net(nn.Module):
    """Outputs that no one sorted, and a parameter that nothing uses."""

    def __init__(self):
        torch.manual_seed(0)
        super().__init__()
        self.a, self.b, self.unused = nn.Linear(6, 5), nn.Linear(6, 5), nn.Linear(3, 3)

    def forward(self, x):
        return {"z": torch.tanh(self.a(x)), "b": self.b(x)}


def port(used=0.0):
    @jax.jit
    def call(p, x):
        extra = used * p["unused.weight"].sum()
        z = jax.numpy.tanh(x @ p["a.weight"].T + p["a.bias"])
        return {"z": z + extra, "b": x @ p["b.weight"].T + p["b.bias"]}

    return call


def values(model):
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


def compared(candidate, reference):
    return samestep.compare(candidate, reference, (X,), replicas=12, variants=False)


@pytest.mark.parametrize("torch_is_candidate", [False, True])
def test_outputs_in_another_order_and_a_gradient_that_is_0_or_none(torch_is_candidate):
    model = Net()
    sides = samestep.Model(port(), values(model)), model
    result = compared(*(sides[::-1] if torch_is_candidate else sides))
    assert result.verdict == "agree", str(result)
    lacking = "candidate" if torch_is_candidate else "reference"
    said = f"gradient of unused.weight: the {lacking} has none, and the other side's is 0"
    assert said in result.coverage.notes


def test_a_gradient_that_only_one_side_has_is_a_difference():
    model = Net()
    held = values(model)
    with torch.no_grad():
        model.unused.weight.sub_(model.unused.weight.mean())
    held["unused.weight"] = model.unused.weight.detach().numpy()
    result = compared(samestep.Model(port(used=1e-30), held), model)
    assert result.verdict == "disagree"
    assert result.first.tensor == "gradient of unused.weight"
    assert "the reference has no gradient" in str(result)


def test_a_frozen_parameter_is_not_compared():
    model = Net()
    model.a.weight.requires_grad_(False)
    result = compared(samestep.Model(port(), values(model)), model)
    assert result.verdict == "agree", str(result)
    assert "gradient of a.weight: not compared, since one side has it frozen" in result.coverage.notes


class Choosy(nn.Module):
    """Runs, but not on a subclass or under a mode of an engine."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 5)

    def forward(self, x):
        from torch.utils._python_dispatch import _get_current_dispatch_mode

        if _get_current_dispatch_mode() is not None:
            raise KeyError("no modes, please\nsecond line")
        return self.linear(x)


def test_what_raises_under_an_engine_alone_is_refused_by_name():
    subject, question = from_module(Choosy()), Question((X,))
    run = run_candidate(subject, question)
    assert run.program is None
    assert "raises KeyError: 'no modes, please\\nsecond line' (at " in run.reason
    assert f"{__file__}:" in run.reason
    with pytest.raises(Refused) as caught:
        open_programs(subject, question, Options().contract)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_reference_that_raises_under_an_engine_alone_abstains():
    result = compared(nn.Linear(6, 5), Choosy())
    assert result.verdict == "abstains"
    assert "KeyError" in result.reason


@pytest.mark.parametrize("sign", [1, -1])
def test_a_literal_owes_its_curvature_at_angles_of_many_turns(sign):
    """One side holds the frequency in float32, the other as a double: near an extremum only d^2 is left."""
    held = float(np.float32(0.7358347123456))

    class Wave(torch.nn.Module):
        def forward(self, times):
            return torch.cos(held * (1 + sign * 2.0**-26) * times)

    times = np.random.default_rng(0).uniform(1e4, 1e5, 4096).astype(np.float32)
    result = samestep.compare(
        lambda t: jax.numpy.cos(jax.numpy.float32(held) * t), Wave(), (times,), variants=False
    )
    assert result.verdict == "agree", result
    slower = samestep.compare(
        lambda t: jax.numpy.cos(jax.numpy.float32(held * 1.000001) * t), Wave(), (times,)
    )
    assert slower.verdict == "disagree"


@pytest.mark.parametrize(("written", "verdict"), [(0.79788456, "agree"), (0.797885, "disagree")])
def test_a_constant_that_a_person_wrote_to_eight_digits_is_the_same_in_float32(written, verdict):
    """sqrt(2/pi) in gelu's tanh form: eight digits are float32's number, and 1e-9 away as a double."""

    class Gelu(torch.nn.Module):
        def forward(self, x):
            return 0.5 * x * (1 + torch.tanh(written * x * (1 + 0.044715 * x * x)))

    assert samestep.compare(jax.nn.gelu, Gelu(), (X,), variants=False).verdict == verdict
