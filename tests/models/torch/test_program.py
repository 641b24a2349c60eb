"""The same run for the engine: the same tensors as natively, in float64 and with rounding noise."""

from __future__ import annotations

import copy
import gc

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.agreement.arithmetic.program import DOUBLE_SCALE, Refused  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_function, from_module  # noqa: E402
from tests.models.torch.limits import beyond, spread  # noqa: E402
from tests.models.torch.networks import Checkpointed, Tied, asked, conv_net, mlp, normal  # noqa: E402

X = normal(2, 4)
IMAGES = normal(2, 3, 8, 8)


def encoder():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)


def lstm():
    torch.manual_seed(0)
    return nn.LSTM(4, 3, batch_first=True)


CASES = {
    "MLP": (mlp, (X,)),
    "batch norm and dropout, train": (conv_net, (IMAGES,)),
    "batch norm, eval": (lambda: conv_net().eval(), (IMAGES,)),
    "tied weights": (Tied, (np.arange(6).reshape(2, 3),)),
    "LSTM": (lstm, (normal(2, 5, 4),)),
    "encoder, train": (encoder, (normal(2, 5, 8),)),
    "checkpoint": (lambda: Checkpointed(False), (X,)),
    "checkpoint, reentrant": (lambda: Checkpointed(True), (X,)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_model_itself_is_within_rounding_of_its_program(case):
    model, inputs = CASES[case]
    subject, question = from_module(model()), asked(*inputs)
    native, program = subject.run(question), subject.program(question)
    exact = program.exact()
    assert list(exact) == list(native)
    assert {key: x.shape for key, x in exact.items()} == {key: x.shape for key, x in native.items()}
    sigma = spread(program, exact)
    assert not beyond(native, exact, sigma)
    assert any(s.any() for s in sigma.values())


class Doubled(nn.Module):
    """A layer whose output is observed as a view of its own."""

    def forward(self, x):
        return x * 2


def test_a_copy_of_the_model_dies_with_its_run():
    program = from_module(nn.Sequential(nn.Linear(4, 4), Doubled())).program(asked(X))
    program.exact()
    program.replica(0)
    gc.collect()
    assert sum(type(one) is Doubled for one in gc.get_objects()) == 1


def test_the_exact_run_is_the_model_in_float64():
    subject, question = from_module(mlp()), asked(X)
    program = subject.program(question)
    exact = program.exact()
    double = from_module(mlp().double()).run(question)
    sigma = {key: s * DOUBLE_SCALE for key, s in spread(program, exact).items()}
    assert not beyond(double, exact, sigma)


def test_a_fault_in_a_forced_run_is_seen_in_its_own_layer_only():
    model = mlp()
    faulty = copy.deepcopy(model)
    with torch.no_grad():
        faulty[0].bias[3] += 1e-3
    candidate = from_module(faulty).run(asked(X))
    layers = {key: x for key, x in candidate.items() if key.role in (Role.LAYER, Role.LAYER_GRADIENT)}
    program = from_module(model).program(asked(X, forced=layers))
    exact = program.exact()
    assert list(exact) == list(candidate)
    assert beyond(candidate, exact, spread(program, exact)) == ["0"]


def test_a_loss_a_state_and_keywords():
    def call(params, state, *, x):
        return x * params["w"], {"n": state["n"] + 1}

    subject = from_function(call, {"w": X[0]}, {"n": np.array(2)})
    question = asked(X, keywords=("x",), loss="mse", targets=normal(2, 4, seed=1))
    native, program = subject.run(question), subject.program(question)
    exact = program.exact()
    assert list(exact) == list(native)
    assert exact[TensorKey(Role.STATE, "n")] == 3
    assert not beyond(native, exact, spread(program, exact))


def test_a_compiled_module_is_interpreted_as_it_is_written():
    compiled = from_module(torch.compile(mlp(), backend="eager")).program(asked(X)).exact()
    written = from_module(mlp()).program(asked(X)).exact()
    assert {str(k): x.tobytes() for k, x in compiled.items()} == {
        str(k): x.tobytes() for k, x in written.items()
    }


def test_the_module_is_as_it_was():
    model = conv_net()
    before, drawn = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    program = from_module(model).program(asked(IMAGES))
    program.exact()
    program.replica(0)
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), drawn)


def test_what_the_engine_cannot_follow_is_refused():
    subject = from_function(lambda x: torch.linalg.eigvalsh(x @ x.T))
    subject.run(asked(X))
    with pytest.raises(Refused):
        subject.program(asked(X)).exact()


def test_a_changed_input_is_found_by_the_engine_too():
    with pytest.raises(ModelError, match="the model changes input 0 in place"):
        from_function(lambda x: x.mul_(2)).program(asked(X)).exact()
