"""Programs that break engines: each agrees with float64 and with float32, or is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from samestep.agreement.arithmetic.program import DOUBLE_SCALE, Level, Refused  # noqa: E402
from samestep.agreement.arithmetic.torch.poison import same_bits  # noqa: E402
from samestep.agreement.arithmetic.torch.program import TorchProgram  # noqa: E402
from samestep.agreement.arithmetic.torch.settings import settings  # noqa: E402
from samestep.agreement.limits import FLOOR, elementwise_limit, reference_share  # noqa: E402
from tests.agreement.arithmetic.torch import zoo  # noqa: E402
from tests.agreement.arithmetic.torch.zoo_layers import LAYERS  # noqa: E402
from tests.agreement.arithmetic.torch.zoo_programs import PROGRAMS  # noqa: E402
from tests.agreement.arithmetic.torch.zoo_tensors import TENSORS  # noqa: E402

ZOO = LAYERS | TENSORS | PROGRAMS
REPLICAS = 12


pytestmark = pytest.mark.usefixtures("one_thread")


def program_of(case):
    current = {}

    def reset():
        current["network"] = case.network()  # a copy would lose its parameters' hooks
        torch.manual_seed(0)

    return TorchProgram(lambda: zoo.run(case, current["network"], case.inputs), reset)


def natively(case, network):
    own = next(network.parameters()).dtype
    inputs = [x.to(own) if x.is_floating_point() and own is torch.float64 else x for x in case.inputs]
    with settings():
        return zoo.run(case, network, inputs)


def in_float64(tensors):
    return {key: tensor.detach().double().numpy() for key, tensor in tensors.items()}


def beyond(got, exact, sigma, scale=1.0):
    limit = elementwise_limit(REPLICAS) * scale
    return [key for key in exact if not (np.abs(got[key] - exact[key]) <= limit * sigma[key]).all()]


@pytest.mark.parametrize("name", [name for name, case in ZOO.items() if not case.refused])
def test_a_program_agrees_with_itself(name):
    case = ZOO[name]
    program = program_of(case)
    exact = program.exact()
    replicas = [program.replica(seed) for seed in range(REPLICAS)]
    squares = {key: np.mean([(r[key] - exact[key]) ** 2 for r in replicas], axis=0) for key in exact}
    sigma = {key: np.maximum(np.sqrt(s), FLOOR * np.sqrt(np.mean(s))) for key, s in squares.items()}
    own = in_float64(natively(case, case.network()))
    assert not beyond(own, exact, sigma)
    if case.doubles:
        double = in_float64(natively(case, case.network().double()))
        assert not beyond(double, exact, sigma, DOUBLE_SCALE * reference_share("float64"))
    tape = program._tapes[Level.OWN]
    assert tape.is_trusted == case.taped, tape.reason
    code = program._noisy(REPLICAS - 1, Level.OWN)
    assert all(same_bits(code[key], replicas[-1][key]) for key in exact)


@pytest.mark.parametrize("name", [name for name, case in ZOO.items() if case.refused])
def test_what_cannot_be_followed_is_refused_by_name(name):
    with pytest.raises(Refused, match=ZOO[name].refused):
        program_of(ZOO[name]).exact()
